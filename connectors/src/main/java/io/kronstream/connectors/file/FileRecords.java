// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.file;

import io.kronstream.connectors.example.RawRecord;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * Files as a bounded source. One subtask reads all of them, in their order, so that the records have one order; where it
 * is, is in its state. The source must run with parallelism 1.
 */
public final class FileRecords implements Source<RawRecord, FilePosition, FilePosition> {
    private static final long serialVersionUID = 1;

    private final FileLines.Files files;

    public FileRecords(FileLines.Files files) {
        this.files = files;
    }

    @Override
    public Boundedness getBoundedness() {
        return Boundedness.BOUNDED;
    }

    @Override
    public SplitEnumerator<FilePosition, FilePosition> createEnumerator(SplitEnumeratorContext<FilePosition> context) {
        return new Enumerator(context, FilePosition.START);
    }

    @Override
    public SplitEnumerator<FilePosition, FilePosition> restoreEnumerator(
            SplitEnumeratorContext<FilePosition> context, FilePosition unassigned) {
        return new Enumerator(context, unassigned);
    }

    @Override
    public SourceReader<RawRecord, FilePosition> createReader(SourceReaderContext context) {
        return new Reader(files);
    }

    @Override
    public SimpleVersionedSerializer<FilePosition> getSplitSerializer() {
        return new Serializer();
    }

    @Override
    public SimpleVersionedSerializer<FilePosition> getEnumeratorCheckpointSerializer() {
        return new Serializer();
    }

    /** Hands the one split to the one reader. */
    private static final class Enumerator implements SplitEnumerator<FilePosition, FilePosition> {
        private final SplitEnumeratorContext<FilePosition> context;
        /** Null while the reader has it. */
        private FilePosition unassigned;

        Enumerator(SplitEnumeratorContext<FilePosition> context, FilePosition unassigned) {
            this.context = context;
            this.unassigned = unassigned;
        }

        @Override
        public void start() {}

        @Override
        public void addReader(int subtask) {
            if (unassigned != null) {
                context.assignSplit(unassigned, subtask);
                unassigned = null;
            }
            context.signalNoMoreSplits(subtask);
        }

        @Override
        public void addSplitsBack(List<FilePosition> splits, int subtask) {
            unassigned = splits.get(0);
        }

        @Override
        public void handleSplitRequest(int subtask, String host) {}

        @Override
        public FilePosition snapshotState(long checkpoint) {
            return unassigned;
        }

        @Override
        public void close() {}
    }

    /** Reads in the task's own thread, one record a call. */
    private static final class Reader implements SourceReader<RawRecord, FilePosition> {
        private final FileLines.Files files;
        private final CompletableFuture<Void> available = new CompletableFuture<>();
        private FileLines lines;

        Reader(FileLines.Files files) {
            this.files = files;
        }

        @Override
        public void start() {}

        @Override
        public InputStatus pollNext(ReaderOutput<RawRecord> output) {
            if (lines == null) {
                return available.isDone() ? InputStatus.END_OF_INPUT : InputStatus.NOTHING_AVAILABLE;
            }
            RawRecord next = lines.next();
            if (next == null) {
                return InputStatus.END_OF_INPUT;
            }
            output.collect(next);
            return InputStatus.MORE_AVAILABLE;
        }

        @Override
        public List<FilePosition> snapshotState(long checkpoint) {
            return lines == null ? List.of() : List.of(lines.position());
        }

        @Override
        public CompletableFuture<Void> isAvailable() {
            return available;
        }

        @Override
        public void addSplits(List<FilePosition> splits) {
            lines = new FileLines(files, splits.get(0));
            available.complete(null);
        }

        @Override
        public void notifyNoMoreSplits() {
            available.complete(null);
        }

        @Override
        public void close() {
            if (lines != null) {
                lines.close();
            }
        }
    }

    /** One position or none. */
    private static final class Serializer implements SimpleVersionedSerializer<FilePosition> {
        @Override
        public int getVersion() {
            return 1;
        }

        @Override
        public byte[] serialize(FilePosition position) throws IOException {
            DataOutputSerializer out = new DataOutputSerializer(64);
            out.writeBoolean(position != null);
            if (position != null) {
                position.write(out);
            }
            return out.getCopyOfBuffer();
        }

        @Override
        public FilePosition deserialize(int version, byte[] bytes) throws IOException {
            if (version > getVersion()) {
                throw new IOException("A position in files of layout " + version + " is newer than this job's "
                        + getVersion() + "; upgrade the job");
            }
            DataInputDeserializer in = new DataInputDeserializer(bytes);
            return in.readBoolean() ? FilePosition.read(in) : null;
        }
    }
}
