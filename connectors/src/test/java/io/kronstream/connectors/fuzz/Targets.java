// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Every decoder of what others may have written. As the fuzzer's target it takes inputs whose first byte says which of
 * them the others are for; at the end it says how many each was given.
 */
public final class Targets {
    /** Of each its corpus in {@code src/test/resources/fuzz}, and its class. */
    private static final List<Target> ALL = Stream.of(
                    "csv fuzz.RecordTargets$Csv",
                    "json fuzz.RecordTargets$Json",
                    "avro fuzz.RecordTargets$Avro",
                    "avro fuzz.RecordTargets$AvroRows",
                    "schema fuzz.RecordTargets$AvroSchema",
                    "command fuzz.RecordTargets$Commands",
                    "csv fuzz.RecordTargets$Lines",
                    "container file.AvroFileTarget",
                    "position fuzz.RecordTargets$Positions",
                    "codec fuzz.CodecTargets",
                    "manifest model.ModelTargets$Manifest",
                    "manifest model.ModelTargets$Keys",
                    "versions model.ModelTargets$Versions",
                    "export model.ModelTargets$Exports",
                    "journal model.ModelTargets$JournalChunks",
                    "journal model.ModelTargets$Journals",
                    "channel channel.ChannelTarget")
            .map(line -> line.split(" "))
            .map(words -> new Target(words[0], words[1], decoder("io.kronstream.connectors." + words[1])))
            .toList();

    private static final long[] INPUTS = new long[ALL.size()];

    private Targets() {}

    /** @param decoder takes the input; what it throws is a finding */
    record Target(String corpus, String name, MethodHandle decoder) {
        List<byte[]> seeds() {
            try (Stream<Path> files = Files.list(Path.of("src/test/resources/fuzz", corpus))) {
                return files.sorted().map(Target::read).toList();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private static byte[] read(Path file) {
            try {
                return Files.readAllBytes(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static List<Target> all() {
        return ALL;
    }

    public static void fuzzerTestOneInput(byte[] data) throws Throwable {
        if (data.length > 0) {
            int number = (data[0] & 0xff) % ALL.size();
            INPUTS[number]++;
            ALL.get(number).decoder().invokeExact(Arrays.copyOfRange(data, 1, data.length));
        }
    }

    public static void fuzzerTearDown() {
        for (int i = 0; i < INPUTS.length; i++) {
            System.out.println("inputs of " + ALL.get(i) + ": " + INPUTS[i]);
        }
    }

    private static MethodHandle decoder(String target) {
        try {
            return MethodHandles.publicLookup()
                    .findStatic(
                            Class.forName(target),
                            "fuzzerTestOneInput",
                            MethodType.methodType(void.class, byte[].class));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
