// SPDX-License-Identifier: Apache-2.0
package io.kronstream.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** No golden file is passed over in silence, and nothing in one. */
class KnownSchemaGoldenTest {
    private static final Set<String> EVERYWHERE =
            Set.of("schema", "reference", "generated_with", "note", "conventions");

    /** What the tests of each schema read. */
    private static final Map<String, Set<String>> READ = Map.of(
            "adafisher-factors/1", Set.of("items"),
            "backprop/1", Set.of("problem", "loss", "output", "abar", "g_per_example", "grad"),
            "grad-stream/1", Set.of("optimizer", "hyper", "params", "init", "grads", "runs", "f32_vs_f64_max_rel"),
            "kron-integrator/1", Set.of("items"),
            "mlp-train/1", Set.of("optimizer", "hyper", "problem", "rademacher", "hv", "runs", "f32_vs_f64_max_rel"),
            "kron-train/1", Set.of("problem", "fisher_noise", "runs"),
            "kpsvd-static/1", Set.of("cases"));

    @Test
    void thereAreFiles() {
        assertThat(GoldenFile.all()).isNotEmpty();
    }

    @TestFactory
    Stream<DynamicTest> schemaIsKnown() {
        return GoldenFile.all().stream().map(file -> DynamicTest.dynamicTest(file.name(), () -> check(file)));
    }

    private static void check(GoldenFile file) {
        assertThat(READ).as("schema of %s", file).containsKey(file.schema());
        file.content().fieldNames().forEachRemaining(name -> assertThat(
                        EVERYWHERE.contains(name) || READ.get(file.schema()).contains(name))
                .as("a test reads '%s' of %s", name, file)
                .isTrue());
    }
}
