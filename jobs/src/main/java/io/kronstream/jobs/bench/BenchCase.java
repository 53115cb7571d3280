// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.bench;

import io.kronstream.network.Loss;
import java.util.List;

/**
 * A network of rectified linear units and the size of its mini-batches.
 *
 * @param name as the command line has it
 * @param inputs features of an example
 * @param hidden units of each hidden layer
 * @param outputs raw outputs
 * @param batch examples of a step
 */
public record BenchCase(String name, int inputs, List<Integer> hidden, int outputs, Loss loss, int batch) {
    /** All that can be named: an autoencoder, a recommender, layers larger than the mini-batch, and a small network. */
    public static final List<BenchCase> ALL = List.of(
            new BenchCase("ae", 784, List.of(1000, 500, 250, 30, 250, 500, 1000), 784, Loss.MEAN_SQUARED_ERROR, 512),
            new BenchCase("rec", 256, List.of(512, 256), 1, Loss.BINARY_CROSS_ENTROPY, 256),
            new BenchCase("wide", 512, List.of(1024, 1024, 512), 1, Loss.BINARY_CROSS_ENTROPY, 64),
            new BenchCase("small", 32, List.of(64, 32), 1, Loss.BINARY_CROSS_ENTROPY, 64));

    public BenchCase {
        hidden = List.copyOf(hidden);
    }

    public static List<String> names() {
        return ALL.stream().map(BenchCase::name).toList();
    }

    /** @throws IllegalArgumentException with a sentence that lists the known ones */
    public static BenchCase byName(String name) {
        return ALL.stream()
                .filter(known -> known.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "unknown case '" + name + "'; known are " + String.join(", ", names())));
    }
}
