// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.Test;

class BenchCommandTest {
    /** Of 32-64-32-1: 64 x 33, 32 x 65, 1 x 33. */
    private static final int PARAMETERS = 2112 + 2080 + 33;

    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void oneLineForEachOptimizer() throws JsonProcessingException {
        Words words =
                Words.of("bench", "step", "--cases", "small", "--optimizers", "adam,dykaf", "--steps", "11", "--json");

        assertThat(words.status()).isZero();
        assertThat(words.err()).isEmpty();
        List<String> lines = words.out().lines().toList();
        assertThat(lines).hasSize(2);
        JsonNode adam = JSON.readTree(lines.get(0));
        JsonNode dykaf = JSON.readTree(lines.get(1));

        assertThat(adam.get("case").asText()).isEqualTo("small");
        assertThat(adam.get("optimizer").asText()).isEqualTo("adam");
        assertThat(adam.get("threads").asInt()).isEqualTo(1);
        assertThat(adam.get("batch").asInt()).isEqualTo(64);
        assertThat(adam.get("steps").asInt()).isEqualTo(11);
        // 4 B for each parameter, and 2 B times the 32 x 64 and 1 x 32 weights beyond the first layer.
        assertThat(adam.get("flops").asDouble()).isEqualTo(4.0 * 64 * PARAMETERS + 2.0 * 64 * (2048 + 32));
        // Two moments and one step counter for each layer.
        assertThat(adam.get("state_bytes").asLong()).isEqualTo(2L * 4 * PARAMETERS + 3 * 8);
        assertThat(adam.get("bytes_per_parameter").asDouble()).isCloseTo(8.0 + 24.0 / PARAMETERS, within(1e-12));
        assertThat(adam.get("refresh_ms").asDouble()).isZero();

        assertThat(dykaf.get("optimizer").asText()).isEqualTo("dykaf");
        assertThat(dykaf.get("steps").asInt()).as("whole refresh cycles").isEqualTo(20);
        assertThat(dykaf.get("flops").asDouble())
                .isGreaterThan(adam.get("flops").asDouble());
        assertThat(dykaf.get("refresh_ms").asDouble()).isPositive();
        for (JsonNode line : List.of(adam, dykaf)) {
            double mean = line.get("mean_ms").asDouble();
            assertThat(line.get("median_ms").asDouble()).isPositive();
            assertThat(line.get("gflops").asDouble())
                    .isCloseTo(line.get("flops").asDouble() / mean / 1e6, within(1e-6));
            assertThat(line.get("efficiency").asDouble())
                    .isCloseTo(
                            line.get("gflops").asDouble()
                                    / line.get("peak_gflops").asDouble(),
                            within(1e-9));
            assertThat(line.get("gradient_ms").asDouble()
                            + line.get("rotation_ms").asDouble()
                            + line.get("factors_ms").asDouble()
                            + line.get("refresh_ms").asDouble()
                            + line.get("elementwise_ms").asDouble())
                    .as("the parts make up the whole, and what lies between two steps")
                    .isBetween(mean, 2 * mean);
            assertThat(line.get("resident_bytes_before").asLong()).isPositive();
            assertThat(line.get("resident_bytes_after").asLong()).isPositive();
            assertThat(line.get("allocated_bytes_per_step").asLong()).isNotNegative();
        }
    }

    @Test
    void aTableWithoutTheRefresh() {
        Words words = Words.of(
                "bench", "step", "--cases", "small", "--optimizers", "soap", "--steps", "10", "--without-refresh");

        assertThat(words.status()).isZero();
        List<String> lines = words.out().lines().toList();
        assertThat(lines).hasSize(2);
        assertThat(lines.get(0))
                .startsWith("case")
                .contains("median ms", "of peak", "gradient + rotation + factors + refresh");
        assertThat(lines.get(1)).startsWith("small").contains("soap").contains(" + 0.000 + ");
    }

    @Test
    void misuse() {
        misused("unknown case 'huge'; known are ae, rec, wide, small", "--cases", "ae,huge");
        misused("unknown optimizer 'sofa'; known are dykaf, soap, ", "--optimizers", "adam,sofa");
        misused("--threads must lie in [1, ", "--threads", "0");
        misused("--steps must be at least 1, was 0", "--steps", "0");
    }

    @Test
    void whatToMeasureIsNamed() {
        Words words = Words.of("bench");

        assertThat(words.status()).isEqualTo(2);
        assertThat(words.complaints())
                .singleElement()
                .asString()
                .contains("Name what to measure: step, pipeline, checkpoint or models");
    }

    private static void misused(String sentence, String... arguments) {
        String[] words = new String[arguments.length + 2];
        words[0] = "bench";
        words[1] = "step";
        System.arraycopy(arguments, 0, words, 2, arguments.length);
        Words said = Words.of(words);

        assertThat(said.status()).isEqualTo(2);
        assertThat(said.out()).isEmpty();
        assertThat(said.complaints()).singleElement().asString().contains(sentence);
    }
}
