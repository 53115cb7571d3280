// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import io.kronstream.learner.DataSchema;
import io.kronstream.learner.SplitMix64;
import io.kronstream.learner.Task;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A stream of CSV lines with numeric features and a binary label, and the models that learn from it: eight, so that
 * there is work for several slots.
 *
 * @param name as the command line has it
 * @param features numbers of a line
 * @param hidden units of each hidden layer; none for a logistic regression
 * @param batch examples of a mini-batch
 * @param records lines that are measured unless told otherwise
 * @param warmUp lines before them
 */
public record PipelineCase(
        String name, int features, List<Integer> hidden, String optimizer, int batch, long records, long warmUp) {
    /** All that can be named: a recommender's network, and a logistic regression that is nothing but overhead. */
    public static final List<PipelineCase> ALL = List.of(
            new PipelineCase("recommender", 256, List.of(512, 256), "dykaf", 256, 240_000, 240_000),
            new PipelineCase("logistic", 10, List.of(), "adam", 256, 4_000_000, 8_000_000));

    /** Ids that fall evenly on two and on four subtasks and partitions: as many models as one likes do so by themselves. */
    private static final List<String> MODELS = List.of("m0", "m1", "m2", "m4", "m5", "m6", "m8", "m15");

    /** Lines that differ; they are then repeated. */
    private static final int POOL = 16_384;

    private static final long SEED = 1;

    public static List<String> names() {
        return ALL.stream().map(PipelineCase::name).toList();
    }

    /** Examples that the open mini-batches may hold. */
    long openExamples() {
        return (long) MODELS.size() * batch;
    }

    DataSchema schema() {
        List<String> inputs =
                IntStream.rangeClosed(1, features).mapToObj(i -> "x" + i).toList();
        List<String> columns = new ArrayList<>(List.of("model"));
        columns.addAll(inputs);
        columns.add("label");
        return DataSchema.builder(columns, Task.BINARY, "label")
                .numeric(inputs)
                .key("model")
                .build();
    }

    /** So many lines, always the same; of a broken one, the first number is none. */
    Iterator<byte[]> rows(long count, double broken) {
        byte[][] pool = pool((int) Math.min(POOL, count));
        byte[][] brokenPool = Arrays.stream(pool).map(PipelineCase::broken).toArray(byte[][]::new);
        return new Iterator<>() {
            private long next;

            @Override
            public boolean hasNext() {
                return next < count;
            }

            @Override
            public byte[] next() {
                boolean isBroken = Math.floor((next + 1) * broken) > Math.floor(next * broken);
                return (isBroken ? brokenPool : pool)[(int) (next++ % pool.length)];
            }
        };
    }

    private byte[][] pool(int size) {
        SplitMix64 random = new SplitMix64(SEED);
        byte[][] pool = new byte[size][];
        for (int i = 0; i < pool.length; i++) {
            StringBuilder line = new StringBuilder().append(MODELS.get(random.nextInt(MODELS.size())));
            double sum = 0;
            for (int j = 0; j < features; j++) {
                int scaled = random.nextInt(20_001) - 10_000;
                sum += scaled;
                line.append(scaled < 0 ? ",-0." : ",0.").append(String.format("%04d", Math.abs(scaled) % 10_000));
            }
            pool[i] = line.append(sum > 0 ? ",1" : ",0").toString().getBytes(StandardCharsets.US_ASCII);
        }
        return pool;
    }

    private static byte[] broken(byte[] line) {
        return new String(line, StandardCharsets.US_ASCII)
                .replaceFirst(",[-.0-9]*,", ",broken,")
                .getBytes(StandardCharsets.US_ASCII);
    }
}
