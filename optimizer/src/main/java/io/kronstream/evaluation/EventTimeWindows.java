// SPDX-License-Identifier: Apache-2.0
package io.kronstream.evaluation;

import io.kronstream.learner.Score;
import io.kronstream.learner.Task;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The tallies of one model: of the windows of the examples' own time that are open, and of everything. A window closes
 * when scores of two later ones have come, or at the end of the stream; so a single time from far ahead stops nothing. A score
 * that comes for a closed window counts in the whole alone. Not thread-safe.
 */
public final class EventTimeWindows {
    private static final int OPEN = 2;
    private static final int LAYOUT = 1;

    private final String model;
    private final Task task;
    private final double level;
    private final long length;
    private final TreeMap<Long, Window> open = new TreeMap<>();
    private Tally whole;
    private final Tally.Terms terms = new Tally.Terms();

    /** The open window that took the last score; null if there is none. */
    private Window latest;

    private long closedUntil = Long.MIN_VALUE;
    private long late;

    private static final class Window {
        private final long start;
        private final Tally tally;
        private long step;

        Window(long start, Tally tally) {
            this.start = start;
            this.tally = tally;
        }
    }

    /**
     * @param level of the quantile that is predicted; NaN if the model predicts none
     * @param length of a window in milliseconds, at least 1; windows start at its multiples since the epoch
     */
    public EventTimeWindows(String model, Task task, double level, long length) {
        this.model = model;
        this.task = task;
        this.level = level;
        this.length = length;
        this.whole = new Tally(task, level);
    }

    /**
     * Takes a score.
     *
     * @param closed told of the window that it closes, if it does
     * @return false if it came too late for its window
     */
    public boolean add(Score score, Consumer<WindowMetrics> closed) {
        terms.set(score, task);
        whole.add(score, terms);
        Window window = latest;
        if (window == null || score.timestamp() < window.start || score.timestamp() - window.start >= length) {
            long start = Math.floorDiv(score.timestamp(), length) * length;
            if (start < closedUntil) {
                late++;
                return false;
            }
            window = open.computeIfAbsent(start, any -> new Window(start, new Tally(task, level)));
            latest = window;
        }
        window.tally.add(score, terms);
        window.step = score.step();
        if (open.size() > OPEN) {
            close(closed);
        }
        return true;
    }

    /** The stream has ended: closes all windows. */
    public void end(Consumer<WindowMetrics> closed) {
        while (!open.isEmpty()) {
            close(closed);
        }
    }

    private void close(Consumer<WindowMetrics> closed) {
        Window eldest = open.pollFirstEntry().getValue();
        Tally tally = eldest.tally;
        latest = null;
        closedUntil = eldest.start + length;
        closed.accept(new WindowMetrics(
                model,
                eldest.start,
                closedUntil,
                eldest.step,
                tally.examples(),
                tally.metrics(),
                new TreeMap<>(tally.metrics(Tally.Predictor.NO_CHANGE)),
                new TreeMap<>(tally.metrics(Tally.Predictor.PRIOR)),
                whole.examples(),
                whole.metrics()));
    }

    /** Scores that came too late for their window. */
    public long late() {
        return late;
    }

    /** Everything since the model began. */
    public Tally whole() {
        return whole;
    }

    /** Writes all tallies, layout byte first. */
    public void write(DataOutput out) throws IOException {
        out.writeByte(LAYOUT);
        out.writeUTF(task.name());
        out.writeLong(length);
        out.writeLong(closedUntil);
        out.writeLong(late);
        whole.write(out);
        out.writeInt(open.size());
        for (Map.Entry<Long, Window> window : open.entrySet()) {
            out.writeLong(window.getKey());
            out.writeLong(window.getValue().step);
            window.getValue().tally.write(out);
        }
    }

    /** Reads what {@link #write} wrote into this, which must be empty. Windows of another length are dropped. */
    public void read(DataInput in) throws IOException {
        int layout = in.readUnsignedByte();
        if (layout != LAYOUT) {
            throw new IOException("Layout " + layout + " of windows is not this job's " + LAYOUT + "; upgrade the job");
        }
        if (!in.readUTF().equals(task.name())) {
            return; // of another task: nothing to go on with
        }
        boolean same = in.readLong() == length;
        long until = in.readLong();
        late = in.readLong();
        whole = Tally.read(task, level, in);
        for (int count = in.readInt(); count > 0; count--) {
            long start = in.readLong();
            long step = in.readLong();
            Window window = new Window(start, Tally.read(task, level, in));
            window.step = step;
            if (same) {
                open.put(start, window);
            }
        }
        closedUntil = same ? until : Long.MIN_VALUE;
    }
}
