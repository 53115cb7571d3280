// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.kronstream.connectors.format.AvroFormat;
import io.kronstream.connectors.format.CsvFormat;
import io.kronstream.connectors.format.JsonFormat;
import io.kronstream.connectors.format.RowFormat;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.learner.Example;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Gives every decoder inputs that are mutations of a corpus ({@code src/test/resources/fuzz}), from a seeded generator.
 * An input that ends in a sentence or a number of rows that was not seen before joins the corpus of the run, so that
 * mutations go deeper. {@code -Dkronstream.fuzz.inputs=N} gives each decoder so many of them.
 */
class DecoderFuzzTest {
    private static final int INPUTS = Integer.getInteger("kronstream.fuzz.inputs", 20_000);
    private static final long SEED = Long.getLong("kronstream.fuzz.seed", 20261120);
    private static final int MAX_CORPUS = 4000;
    private static final int MAX_LENGTH = 1 << 14;

    /** Bytes that decoding may allocate, per byte of the value and at all. */
    private static final long BYTES_PER_BYTE = 4096;

    private static final long BYTES_AT_ALL = 4 << 20;

    private static final String CLICK =
            """
            {"type": "record", "name": "Click", "fields": [
              {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
              {"name": "user", "type": "string"},
              {"name": "x", "type": ["null", "double", "int", {"type": "bytes", "logicalType": "decimal", "precision": 9}]},
              {"name": "tags", "type": {"type": "array", "items": ["null", "string", "int"]}},
              {"name": "country", "type": ["null", "string"]},
              {"name": "hour", "type": ["int", {"type": "map", "values": "float"}]},
              {"name": "click", "type": "boolean"},
              {"name": "more", "type": ["null", {"type": "array", "items": "Click"}]}]}
            """;

    private static final List<String> WORDS = List.of(
            "\"",
            "\"\"",
            ",",
            "\n",
            "\r\n",
            "{",
            "}",
            "[",
            "]",
            ":",
            "null",
            "true",
            "NaN",
            "1e400",
            "-0",
            "\\u0000",
            "\\ud800",
            "9999999999999999999999",
            "2020-02-30",
            "[[[[[[[[",
            "{\"x\":",
            "\u00ff",
            "😀",
            "\u0000");

    static Stream<Arguments> decoders() throws Exception {
        return Stream.of(
                Arguments.of("csv", new CsvFormat()),
                Arguments.of("json", new JsonFormat()),
                Arguments.of("avro", AvroFormat.ofSchema(CLICK)),
                Arguments.of("avro", AvroFormat.ofSchema("{\"type\": \"array\", \"items\": " + CLICK + "}")));
    }

    @ParameterizedTest
    @MethodSource("decoders")
    void whateverTheBytesAreTheyEndInExamplesOrAReason(String name, RowFormat format) throws Exception {
        ExampleDecoder decoder = new ExampleDecoder(format, Schemas.clicks(), "m");
        ThreadMXBean memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        List<byte[]> corpus = new ArrayList<>(corpus(name));
        int seeds = corpus.size();
        Set<String> seen = new HashSet<>();
        Random random = new Random(SEED);
        long slowest = 0;
        long largest = 0;
        long good = 0;
        for (int round = 0; round < INPUTS; round++) {
            byte[] input = round < corpus.size() ? corpus.get(round) : mutate(corpus, seeds, random);
            long before = memory.getCurrentThreadAllocatedBytes();
            long started = System.nanoTime();
            String end;
            try {
                List<Example> examples = decoder.decode(new RawRecord("t", 0, round, 0, null, input));
                good++;
                end = "rows " + Integer.highestOneBit(examples.size());
            } catch (UndecodableException e) {
                end = e.reason() + e.sentence().replaceAll("'.*'|\\d+", "");
                assertThat(e.reason()).matches("[a-z]+");
            } catch (RuntimeException | Error e) {
                throw new AssertionError(
                        "Seed " + SEED + ", round " + round + ": "
                                + HexFormat.of().formatHex(input),
                        e);
            }
            slowest = Math.max(slowest, System.nanoTime() - started);
            long allocated = memory.getCurrentThreadAllocatedBytes() - before;
            largest = Math.max(largest, allocated);
            assertThat(allocated).as("round %d", round).isLessThan(BYTES_AT_ALL + BYTES_PER_BYTE * input.length);
            if (corpus.size() < MAX_CORPUS && seen.add(end)) {
                corpus.add(input);
            }
        }
        assertThat(good).isPositive();
        System.out.printf(
                "%s: %,d inputs, %,d of them good, %d different ends, slowest %.1f ms, most memory %,d bytes%n",
                name, INPUTS, good, seen.size(), slowest / 1e6, largest);
    }

    private static List<byte[]> corpus(String name) throws IOException, URISyntaxException {
        Path directory =
                Path.of(DecoderFuzzTest.class.getResource("/fuzz/" + name).toURI());
        try (Stream<Path> files = Files.list(directory)) {
            List<byte[]> corpus = new ArrayList<>();
            for (Path file : files.sorted().toList()) {
                corpus.add(Files.readAllBytes(file));
            }
            return corpus;
        }
    }

    private static byte[] mutate(List<byte[]> corpus, int good, Random random) {
        // half of them start from a good value, so that what lies behind the first checks is reached as well
        byte[] input = corpus.get(random.nextInt(random.nextBoolean() ? good : corpus.size()))
                .clone();
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            input = mutate(input, corpus, random);
        }
        return input.length > MAX_LENGTH ? Arrays.copyOf(input, MAX_LENGTH) : input;
    }

    private static byte[] mutate(byte[] input, List<byte[]> corpus, Random random) {
        int at = random.nextInt(input.length + 1);
        int to = at + random.nextInt(Math.min(64, input.length - at) + 1);
        switch (random.nextInt(7)) {
            case 0 -> {
                byte[] changed = input.clone();
                if (at < changed.length) {
                    changed[at] ^= (byte) (1 << random.nextInt(8));
                }
                return changed;
            }
            case 1 -> {
                byte[] noise = new byte[1 + random.nextInt(8)];
                random.nextBytes(noise);
                return spliced(input, at, noise, at);
            }
            case 2 -> {
                return spliced(input, at, new byte[0], to);
            }
            case 3 -> {
                return spliced(input, to, Arrays.copyOfRange(input, at, to), to);
            }
            case 4 -> {
                String word = WORDS.get(random.nextInt(WORDS.size()));
                return spliced(input, at, word.repeat(1 + random.nextInt(3)).getBytes(StandardCharsets.UTF_8), at);
            }
            case 5 -> {
                byte[] other = corpus.get(random.nextInt(corpus.size()));
                int from = random.nextInt(other.length + 1);
                return spliced(input, at, Arrays.copyOfRange(other, from, other.length), input.length);
            }
            default -> {
                byte[] number = {(byte) -2, -1, -1, -1, 15, (byte) (random.nextInt(2) * 127)};
                return spliced(input, at, number, Math.min(input.length, at + 1));
            }
        }
    }

    private static byte[] spliced(byte[] input, int head, byte[] middle, int tail) {
        byte[] result = Arrays.copyOf(input, head + middle.length + input.length - tail);
        System.arraycopy(middle, 0, result, head, middle.length);
        System.arraycopy(input, tail, result, head + middle.length, input.length - tail);
        return result;
    }
}
