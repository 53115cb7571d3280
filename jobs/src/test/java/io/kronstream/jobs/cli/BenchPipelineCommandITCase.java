// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.Test;

class BenchPipelineCommandITCase {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void everyRecordIsTimedBrokenOrNot() throws Exception {
        Words words = Words.of(
                "bench",
                "pipeline",
                "--cases",
                "logistic",
                "--slots",
                "1,2",
                "--records",
                "30000",
                "--warm-up",
                "10000",
                "--broken",
                "0.25",
                "--json");

        assertThat(words.err()).isEmpty();
        assertThat(words.status()).isZero();
        List<String> lines = words.out().lines().toList();
        assertThat(lines).hasSize(2);
        for (int i = 0; i < 2; i++) {
            JsonNode line = JSON.readTree(lines.get(i));
            double perSecond = line.get("records_per_second").asDouble();
            assertThat(line.get("case").asText()).isEqualTo("logistic");
            assertThat(line.get("slots").asInt()).isEqualTo(i + 1);
            assertThat(line.get("broken").asDouble()).isEqualTo(0.25);
            assertThat(line.get("records").asLong()).isBetween(1L, 60_000L);
            assertThat(perSecond)
                    .isCloseTo(
                            line.get("records").asLong() / line.get("seconds").asDouble(), within(perSecond / 1e9));
            assertThat(line.get("cpu_seconds").asDouble()).isPositive();
            assertThat(line.get("share").asDouble())
                    .isCloseTo(
                            perSecond / line.get("learner_examples_per_second").asDouble(), within(1e-9));
        }
    }

    @Test
    void misuse() {
        Words words = Words.of("bench", "pipeline", "--cases", "huge", "--broken", "2", "--records", "0");

        assertThat(words.status()).isEqualTo(2);
        assertThat(String.join("\n", words.complaints()))
                .contains(
                        "unknown case 'huge'; known are recommender, logistic",
                        "--broken must lie in [0, 1], was 2.0",
                        "--records must be at least 1, was 0");
    }
}
