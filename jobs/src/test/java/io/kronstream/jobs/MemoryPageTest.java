// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Task;
import io.kronstream.linalg.TensorSpec;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Keeps the table of what a model costs what the optimizers declare. */
class MemoryPageTest {
    private static final ReferencePage PAGE = new ReferencePage("docs/reference/memory.md");
    private static final String MARKER = "<!-- what a model costs: written by MemoryPageTest -->\n";

    /** Sides of a layer that tell which is which in a declared tensor. */
    private static final int M = 7;

    private static final int N = 11;

    @Test
    void theTableSaysWhatTheOptimizersDeclare() throws IOException {
        PAGE.says(MARKER, table());
    }

    private static String table() {
        StringBuilder table = new StringBuilder(
                "| optimizer | stored floats of a layer | 16-32-1: stored | native | heap |\n|---|---|---|---|---|\n");
        for (String name : Optimizers.names()) {
            String formula;
            try (LearnerFactory factory = factory(name, N - 1, M)) {
                formula = formula(factory.layout().tensors().stream()
                        .filter(tensor -> tensor.name().startsWith("layer0."))
                        .toList());
            }
            try (LearnerFactory factory = factory(name, 16, 32);
                    Learner learner = factory.create("m")) {
                long stored = Float.BYTES
                        * factory.layout().tensors().stream()
                                .mapToLong(TensorSpec::packedLength)
                                .sum();
                assertThat(stored).isEqualTo(Float.BYTES * learner.arena().packedLength());
                table.append(String.format(
                        Locale.ROOT,
                        "| `%s` | %s | %,d | %,d | %,d |%n",
                        name,
                        formula,
                        stored,
                        learner.nativeBytes(),
                        learner.heapBytes()));
            }
        }
        return table.toString();
    }

    /** Sum of the tensors, with like terms put together. */
    private static String formula(List<TensorSpec> tensors) {
        Map<String, Integer> terms = new LinkedHashMap<>();
        for (TensorSpec tensor : tensors) {
            terms.merge(term(tensor), 1, Integer::sum);
        }
        return terms.entrySet().stream()
                .map(term -> (term.getValue() == 1 ? "" : term.getValue() + " ") + term.getKey())
                .collect(Collectors.joining(" + "));
    }

    private static String term(TensorSpec tensor) {
        String rows = side(tensor.rows());
        String columns = side(tensor.columns());
        if (tensor.symmetric()) {
            return rows + "(" + rows + "+1)/2";
        }
        if (rows.equals(columns)) {
            return rows.equals("1") ? "1" : rows + "²";
        }
        return (rows + columns).replaceFirst("1", "");
    }

    private static String side(int length) {
        return length == M ? "m" : length == N ? "n" : Integer.toString(length);
    }

    private static LearnerFactory factory(String optimizer, int inputs, int hidden) {
        List<String> columns = new ArrayList<>();
        for (int i = 0; i < inputs; i++) {
            columns.add("x" + i);
        }
        List<String> all = new ArrayList<>(columns);
        all.add("y");
        DataSchema schema =
                DataSchema.builder(all, Task.REGRESSION, "y").numeric(columns).build();
        OptimizerSettings settings = OptimizerSettings.defaults(optimizer);
        return new LearnerFactory(new LearnerSettings(
                schema, List.of(hidden), Activation.RELU, settings, 16, 0, LearnerSettings.defaultLag(settings), 1));
    }
}
