// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import io.kronstream.connectors.example.FileReplay;
import io.kronstream.jobs.JobSettings;
import java.util.Iterator;

/**
 * Sends a data set's rows to the examples topic on a thread of its own, while the job learns. It can be told to hold
 * before a row, and keeps no more than a bounded number of rows ahead of what has been learned.
 */
final class Feeder implements AutoCloseable {
    private final FileReplay replay;
    private final Thread thread;
    private final long maxAhead;

    private long holdBefore;
    private long learned;
    private boolean stopped;
    private boolean holding;
    private RuntimeException failure;

    /**
     * @param rows to send
     * @param holdBefore number of rows after which to hold until {@link #release()}, or {@link Long#MAX_VALUE}
     * @param maxAhead most rows sent beyond those reported by {@link #learned}, or {@link Long#MAX_VALUE}
     */
    Feeder(JobSettings settings, Iterator<byte[]> rows, long holdBefore, long maxAhead) {
        this.replay = new FileReplay(
                settings.kafka(),
                settings.topics().examples(),
                settings.learner().schema(),
                settings.model());
        this.holdBefore = holdBefore;
        this.maxAhead = maxAhead;
        this.thread = new Thread(() -> send(new Held(rows)), "feeder");
        this.thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Rows sent so far. */
    long sent() {
        return replay.sent();
    }

    /** Whether it holds before the row it was told to hold before. */
    synchronized boolean holding() {
        return holding;
    }

    /** Goes on after a hold. */
    synchronized void release() {
        holdBefore = Long.MAX_VALUE;
        notifyAll();
    }

    /** Tells how many rows have been learned. */
    synchronized void learned(long rows) {
        learned = rows;
        notifyAll();
    }

    /** Ends the stream after the row being sent. */
    synchronized void stop() {
        stopped = true;
        replay.stop();
        notifyAll();
    }

    /** Throws what ended it early, if anything did. */
    synchronized void check() {
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

    private void send(Iterator<byte[]> rows) {
        try {
            replay.replay(rows);
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
