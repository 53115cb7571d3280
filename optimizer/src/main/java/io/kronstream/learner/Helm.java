// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a learner has been told and has not forgotten: part of its state. */
final class Helm {
    /** Ids that repetitions are known by: those of the last commands. */
    static final int REMEMBERED = 256;
    /** Commands that may wait for their step. */
    static final int MAX_WAITING = 64;
    /** Commands that published versions tell of. */
    static final int TOLD = 16;

    /** A command, and where its record was. */
    record Received(Command command, int partition, long offset) {}

    boolean paused;
    boolean retired;
    final SortedMap<String, String> values = new TreeMap<>();
    private final List<Received> pending = new ArrayList<>();
    private final Deque<String> ids = new ArrayDeque<>();
    private final Deque<ControlState.Applied> applied = new ArrayDeque<>();

    /** Remembers the id; false if it is known. */
    boolean isNew(String id) {
        if (ids.contains(id)) {
            return false;
        }
        ids.addLast(id);
        if (ids.size() > REMEMBERED) {
            ids.removeFirst();
        }
        return true;
    }

    boolean isFull() {
        return pending.size() == MAX_WAITING;
    }

    /** Lets a command wait for its step. */
    void await(Received command) {
        pending.add(command);
    }

    /** Removes and returns the first command, as they came, whose step is this one; null if there is none. */
    Received takeDue(long step) {
        for (Iterator<Received> waiting = pending.iterator(); waiting.hasNext(); ) {
            Received next = waiting.next();
            if (next.command().atStep() <= step) {
                waiting.remove();
                return next;
            }
        }
        return null;
    }

    /** The values that were set, with one more; null takes one away. */
    SortedMap<String, String> with(String name, String value) {
        SortedMap<String, String> changed = new TreeMap<>(values);
        changed.remove(name);
        if (value != null) {
            changed.put(name, value);
        }
        return changed;
    }

    void use(SortedMap<String, String> others) {
        values.clear();
        values.putAll(others);
    }

    /** A command was carried out before a step. */
    void carriedOut(Received done, long step) {
        Command command = done.command();
        switch (command.kind()) {
            case PAUSE -> paused = true;
            case RETIRE -> retired = true;
            case RESUME -> {
                paused = false;
                retired = false;
            }
            case PUBLISH, SET -> {} // the learner has done it
        }
        applied.addLast(new ControlState.Applied(
                command.id(),
                command.kind().name().toLowerCase(Locale.ROOT),
                command.name(),
                command.value(),
                step,
                done.partition(),
                done.offset()));
        if (applied.size() > TOLD) {
            applied.removeFirst();
        }
    }

    ControlState state() {
        return applied.isEmpty() ? ControlState.NONE : new ControlState(paused, values, List.copyOf(applied));
    }

    /** Upper estimate of its heap bytes. */
    long bytes() {
        return 64L * ids.size() + 256L * (pending.size() + applied.size() + values.size());
    }

    void write(DataOutput out) throws IOException {
        out.writeBoolean(paused);
        out.writeBoolean(retired);
        out.writeInt(values.size());
        for (Map.Entry<String, String> value : values.entrySet()) {
            out.writeUTF(value.getKey());
            out.writeUTF(value.getValue());
        }
        out.writeInt(pending.size());
        for (Received waiting : pending) {
            write(waiting.command(), out);
            out.writeInt(waiting.partition());
            out.writeLong(waiting.offset());
        }
        out.writeInt(ids.size());
        for (String id : ids) {
            out.writeUTF(id);
        }
        out.writeInt(applied.size());
        for (ControlState.Applied done : applied) {
            out.writeUTF(done.id());
            out.writeUTF(done.command());
            out.writeUTF(done.name());
            writeText(done.value(), out);
            out.writeLong(done.step());
            out.writeInt(done.partition());
            out.writeLong(done.offset());
        }
    }

    void read(DataInput in) throws IOException {
        paused = in.readBoolean();
        retired = in.readBoolean();
        for (int i = length(in, LearnerSettings.MAX_ADJUSTABLE); i > 0; i--) {
            values.put(in.readUTF(), in.readUTF());
        }
        for (int i = length(in, MAX_WAITING); i > 0; i--) {
            pending.add(new Received(readCommand(in), in.readInt(), in.readLong()));
        }
        for (int i = length(in, REMEMBERED); i > 0; i--) {
            ids.addLast(in.readUTF());
        }
        for (int i = length(in, TOLD); i > 0; i--) {
            applied.addLast(new ControlState.Applied(
                    in.readUTF(),
                    in.readUTF(),
                    in.readUTF(),
                    readText(in),
                    in.readLong(),
                    in.readInt(),
                    in.readLong()));
        }
    }

    private static void write(Command command, DataOutput out) throws IOException {
        out.writeUTF(command.id());
        out.writeUTF(command.kind().name());
        out.writeLong(command.atStep());
        out.writeUTF(command.name());
        writeText(command.value(), out);
    }

    private static Command readCommand(DataInput in) throws IOException {
        try {
            return new Command(
                    in.readUTF(), Command.Kind.valueOf(in.readUTF()), in.readLong(), in.readUTF(), readText(in));
        } catch (IllegalArgumentException e) {
            throw new IOException("A command in the state is damaged: " + e.getMessage(), e);
        }
    }

    private static void writeText(String text, DataOutput out) throws IOException {
        out.writeBoolean(text != null);
        if (text != null) {
            out.writeUTF(text);
        }
    }

    private static String readText(DataInput in) throws IOException {
        return in.readBoolean() ? in.readUTF() : null;
    }

    private static int length(DataInput in, int limit) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > limit) {
            throw new IOException("A count of " + length + " in what commands have left cannot be right");
        }
        return length;
    }
}
