// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A whole job and the bare learner, measured on few examples. */
class BenchPipelineITCase {
    @Test
    void aLogisticRegressionIsMeasured() throws JsonProcessingException {
        Words words =
                Words.of("bench", "pipeline", "--cases", "logistic", "--slots", "1", "--examples", "20000", "--json");

        assertThat(words.err()).isEmpty();
        assertThat(words.status()).isZero();
        List<String> lines = words.out().lines().toList();
        assertThat(lines).hasSize(1);
        JsonNode measured = new ObjectMapper().readTree(lines.get(0));
        assertThat(measured.get("case").asText()).isEqualTo("logistic");
        assertThat(measured.get("optimizer").asText()).isEqualTo("adam");
        assertThat(measured.get("slots").asInt()).isEqualTo(1);
        assertThat(measured.get("examples").asLong()).isEqualTo(20_000);
        assertThat(measured.get("seconds").asDouble()).isPositive();
        assertThat(measured.get("examples_per_second").asDouble()).isPositive();
        assertThat(measured.get("learner_examples_per_second").asDouble()).isPositive();
        assertThat(measured.get("share").asDouble()).isPositive();
    }

    @Test
    void misuse() {
        Words words = Words.of("bench", "pipeline", "--cases", "huge", "--slots", "0", "--examples", "0", "--json");

        assertThat(words.status()).isEqualTo(ExitStatus.MISUSED);
        assertThat(words.out()).isEmpty();
        assertThat(words.err())
                .contains(
                        "unknown case 'huge'; known are recommender, logistic",
                        "--slots must lie in [1, 64], was 0",
                        "--examples must be at least 1, was 0");
    }
}
