// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.streams;

import io.kronstream.learner.DataSchema;
import io.kronstream.learner.SplitMix64;
import io.kronstream.learner.Task;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The SEA concepts: three inputs uniform in [0, 10], label {@code x1 + x2 <= theta}, with 10 % of the labels flipped.
 * The threshold changes abruptly every {@value #CONCEPT_LENGTH} examples and runs through 8, 9.5, 7 and 9.
 *
 * <p>With many models, each example belongs to one of {@value #SHOPS} shops, drawn at random, and the shops stand at
 * different concepts at the same time.
 *
 * <p>Reference: Street and Kim, "A streaming ensemble algorithm (SEA) for large-scale classification", KDD 2001.
 */
final class SeaStream implements BuiltInStream {
    static final int CONCEPT_LENGTH = 50_000;
    static final double FLIPPED = 0.1;
    static final int SHOPS = 8;

    private static final double[] THETAS = {8, 9.5, 7, 9};

    private final String name;
    private final boolean shops;
    private final DataSchema schema;

    private SeaStream(String name, boolean shops) {
        this.name = name;
        this.shops = shops;
        List<String> inputs = List.of("x1", "x2", "x3");
        List<String> columns = new ArrayList<>(shops ? List.of("time", "shop") : List.of("time"));
        columns.addAll(inputs);
        columns.add("label");
        this.schema = DataSchema.builder(columns, Task.BINARY, "label")
                .numeric(inputs)
                .time("time")
                .key(shops ? "shop" : null)
                .build();
    }

    static SeaStream oneModel() {
        return new SeaStream("sea", false);
    }

    static SeaStream manyModels() {
        return new SeaStream("sea-keys", true);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public DataSchema schema() {
        return schema;
    }

    @Override
    public double bestAccuracy() {
        return 1 - FLIPPED;
    }

    /** The threshold that an example's label is made with. */
    static double theta(long index, int shop) {
        return THETAS[(int) ((index / CONCEPT_LENGTH + shop) % THETAS.length)];
    }

    @Override
    public Iterator<String> rows(long seed) {
        SplitMix64 inputs = new SplitMix64(seed, "inputs");
        SplitMix64 noise = new SplitMix64(seed, "noise");
        SplitMix64 visits = new SplitMix64(seed, "shops");
        Row row = new Row();
        long[] index = {0};
        return Stream.generate(() -> {
                    row.start(index[0]);
                    int shop = 0;
                    if (shops) {
                        shop = visits.nextInt(SHOPS);
                        row.text("shop-" + (shop + 1));
                    }
                    int x1 = inputs.nextInt(10 * Row.SCALE + 1);
                    int x2 = inputs.nextInt(10 * Row.SCALE + 1);
                    int x3 = inputs.nextInt(10 * Row.SCALE + 1);
                    boolean label = x1 + x2 <= theta(index[0], shop) * Row.SCALE;
                    index[0]++;
                    return row.number(x1).number(x2).number(x3).label(label ^ noise.nextDouble() < FLIPPED);
                })
                .iterator();
    }
}
