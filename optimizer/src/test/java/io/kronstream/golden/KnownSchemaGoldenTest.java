// SPDX-License-Identifier: Apache-2.0
package io.kronstream.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** No golden file is passed over in silence. */
class KnownSchemaGoldenTest {
    private static final Set<String> TESTED = Set.of(
            "adafisher-factors/1",
            "backprop/1",
            "grad-stream/1",
            "kron-integrator/1",
            "mlp-train/1",
            "kron-train/1",
            "kpsvd-static/1");

    static Iterable<GoldenFile> files() {
        return GoldenFile.all();
    }

    @ParameterizedTest
    @MethodSource("files")
    void schemaIsKnown(GoldenFile file) {
        assertThat(TESTED).contains(file.schema());
    }
}
