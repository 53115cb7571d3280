// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import io.kronstream.connectors.example.FileReplay;
import io.kronstream.jobs.JobSettings;
import java.util.Iterator;

/**
 * Sends a data set's rows to the examples topic on a thread of its own, while the job learns. It can be told to hold
 * before a row, and keeps no more than a bounded number of rows ahead of what has been learned.
 */
public final class Feeder implements AutoCloseable {
    private final FileReplay replay;
    private final Thread thread;
    private final long maxAhead;

    private long holdBefore;
    private long learned;
    private boolean stopped;
    private boolean holding;
    private boolean finished;
    private RuntimeException failure;

    /** One that sends as fast as the broker takes them. */
    public Feeder(JobSettings settings, Iterator<byte[]> rows, long holdBefore, long maxAhead) {
        this(settings, rows, holdBefore, maxAhead, 0);
    }

    /**
     * @param rows to send
     * @param holdBefore number of rows after which to hold until {@link #release()}, or {@link Long#MAX_VALUE}
     * @param maxAhead most rows sent beyond those reported by {@link #learned}, or {@link Long#MAX_VALUE}
     * @param rowsPerSecond most rows sent in a second, or 0
     */
    public Feeder(JobSettings settings, Iterator<byte[]> rows, long holdBefore, long maxAhead, double rowsPerSecond) {
        this.replay = new FileReplay(
                settings.kafka(),
                settings.topics().examples(),
                settings.learner().schema(),
                settings.model(),
                settings.learner().mode());
        this.holdBefore = holdBefore;
        this.maxAhead = maxAhead;
        this.thread = new Thread(() -> send(new Held(rows), rowsPerSecond), "feeder");
        this.thread.setDaemon(true);
    }

    /** See {@link FileReplay#timesFrom}; before {@link #start()}. */
    public void timesFrom(long millis) {
        replay.timesFrom(millis);
    }

    public void start() {
        thread.start();
    }

    /** Rows sent so far. */
    public long sent() {
        return replay.sent();
    }

    /** Whether all rows have been sent and the broker has them. */
    public synchronized boolean finished() {
        return finished;
    }

    /** Whether it holds before the row it was told to hold before. */
    public synchronized boolean holding() {
        return holding;
    }

    /** Goes on after a hold. */
    public synchronized void release() {
        holdBefore = Long.MAX_VALUE;
        notifyAll();
    }

    /** Tells how many rows have been learned. */
    public synchronized void learned(long rows) {
        learned = rows;
        notifyAll();
    }

    /** Ends the stream after the row being sent. */
    public synchronized void stop() {
        stopped = true;
        replay.stop();
        notifyAll();
    }

    /** Throws what ended it early, if anything did. */
    public synchronized void check() {
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void close() {
        stop();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        replay.close();
    }

    private void send(Iterator<byte[]> rows, double rowsPerSecond) {
        try {
            replay.replay(rows, rowsPerSecond);
            synchronized (this) {
                finished = !stopped;
            }
        } catch (RuntimeException e) {
            synchronized (this) {
                failure = e;
            }
        }
    }

    /** Waits until the next row may go; false if there is none any more. */
    private synchronized boolean await(long index) {
        try {
            while (!stopped && (index >= holdBefore || index - learned >= maxAhead)) {
                holding = index >= holdBefore;
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            holding = false;
        }
        return !stopped;
    }

    /** Rows that wait for their turn. */
    private final class Held implements Iterator<byte[]> {
        private final Iterator<byte[]> rows;
        private long index;

        Held(Iterator<byte[]> rows) {
            this.rows = rows;
        }

        @Override
        public boolean hasNext() {
            return rows.hasNext() && await(index);
        }

        @Override
        public byte[] next() {
            index++;
            return rows.next();
        }
    }
}
