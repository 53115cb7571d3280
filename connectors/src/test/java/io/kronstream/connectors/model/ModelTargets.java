// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.connectors.fuzz.Fuzzed;
import io.kronstream.connectors.model.ModelKeys.ModelKey;
import io.kronstream.learner.Journal;
import io.kronstream.learner.JournalSegment;
import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** What the fuzzer calls to read published models and journals. */
public final class ModelTargets {
    private ModelTargets() {}

    public static final class Manifest {
        public static void fuzzerTestOneInput(byte[] data) {
            Fuzzed.run(data, () -> ModelManifest.fromBytes(data));
        }
    }

    public static final class Keys {
        public static void fuzzerTestOneInput(byte[] data) {
            String key = new String(data, StandardCharsets.UTF_8);
            Fuzzed.run(data, () -> ModelKeys.parse(key));
        }
    }

    /** Records of one model: of each its key in a byte, its length in two, and its value. */
    public static final class Versions {
        public static void fuzzerTestOneInput(byte[] data) {
            Fuzzed.run(data, () -> {
                VersionAssembler assembler = new VersionAssembler();
                ByteBuffer records = ByteBuffer.wrap(data);
                while (records.remaining() > 3) {
                    int key = records.get() & 0xff;
                    byte[] value = new byte[Math.min(records.getShort() & 0xffff, records.remaining())];
                    records.get(value);
                    int index = (key >> 1) % 4 - 1;
                    assembler.accept(new ModelKey("m", key & 1, index), key > 250 ? null : value);
                }
                return assembler.skipped();
            });
        }
    }

    /** Files that {@code kronstream model export} writes. */
    public static final class Exports {
        public static void fuzzerTestOneInput(byte[] data) {
            Fuzzed.run(data, () -> SafeTensors.read(new ByteArrayInputStream(data)));
        }
    }

    public static final class JournalChunks {
        public static void fuzzerTestOneInput(byte[] data) {
            Fuzzed.run(data, () -> JournalChunk.fromBytes(data));
        }
    }

    public static final class Journals {
        private static final Journal.Visitor NOBODY = new Journal.Visitor() {
            @Override
            public void run(int partition, long from, long to, long examples) {}

            @Override
            public void closed() {}

            @Override
            public void finished() {}
        };

        public static void fuzzerTestOneInput(byte[] data) {
            Fuzzed.run(data, () -> {
                Journal.replay(new JournalSegment("", data), NOBODY);
                return null;
            });
        }
    }
}
