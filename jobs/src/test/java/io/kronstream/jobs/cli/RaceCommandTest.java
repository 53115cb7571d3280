// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RaceCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    @Test
    void theBestRateOfEachOptimizerCounts() throws IOException {
        Path html = directory.resolve("race.html");
        Words words = race("--learning-rates", "0.0001,0.003", "--json", "--html", html.toString());

        assertThat(words.err()).isEmpty();
        assertThat(words.status()).isZero();
        JsonNode result = JSON.readTree(words.out());
        assertThat(result.get("dataset").asText()).isEqualTo("sea");
        assertThat(result.get("metric").asText()).isEqualTo("logLoss");
        assertThat(result.get("examples").asInt()).isEqualTo(2000);
        assertThat(result.get("all"))
                .as("two rates each, and six of the linear model")
                .hasSize(10);
        List<String> names = new ArrayList<>();
        double before = 0;
        for (JsonNode finish : result.get("best")) {
            String name = finish.get("name").asText();
            names.add(name);
            double least = Double.POSITIVE_INFINITY;
            for (JsonNode any : result.get("all")) {
                if (any.get("name").asText().equals(name)) {
                    least = Math.min(least, any.get("loss").asDouble());
                }
            }
            double loss = finish.get("loss").asDouble();
            assertThat(loss).isEqualTo(least).isGreaterThanOrEqualTo(before);
            before = loss;
            JsonNode laps = finish.get("laps");
            assertThat(laps.get(laps.size() - 1).get("loss").asDouble()).isEqualTo(loss);
            assertThat(finish.get("cpu_seconds").asDouble()).isPositive();
            assertThat(finish.at("/metrics/logLoss").asDouble()).isEqualTo(loss);
        }
        assertThat(names).containsExactlyInAnyOrder("adam", "soap:refresh-interval=5", "linear");
        assertThat(result.get("prior").asDouble()).as("entropy of the labels").isCloseTo(0.65, within(0.05));

        String page = Files.readString(html);
        assertThat(page)
                .contains("<svg", "soap:refresh-interval=5", "linear", "no-change", "majority")
                .doesNotContain("<script", "<link", "src=", "@import");
    }

    @Test
    void aRaceIsRepeatable() throws IOException {
        JsonNode one = JSON.readTree(race("--json").out());
        JsonNode two = JSON.readTree(race("--json").out());

        assertThat(losses(one)).isEqualTo(losses(two)).hasSize(8);
    }

    @Test
    void theTableNamesTheNaivePredictors() {
        assertThat(race().out()).contains("learner", "no-change", "prior", "Best of each, by logLoss:");
    }

    /** Whatever the file: its schema says what to predict, and by what the learners are ranked. */
    @Test
    void filesOfAnyTaskAreRaced() throws IOException {
        StringBuilder rows = new StringBuilder("when,a,b,colour,n,kind\n");
        for (int i = 0; i < 400; i++) {
            int a = i * 7919 % 101;
            rows.append(1_600_000_000_000L + i * 60_000L)
                    .append(",%d,%s,%s,%d,%s%n"
                            .formatted(
                                    a,
                                    i % 9 == 0 ? "" : "0." + i,
                                    i % 3 == 0 ? "red" : "blue",
                                    a + i % 3,
                                    "k" + a % 3));
        }
        Path file = directory.resolve("things.csv");
        Files.writeString(file, rows);
        assertRaced(file, "task: regression\nlabel: n\nnumeric: [a, b]\ncategorical: [colour]\nmetric: mae", "mae");
        assertRaced(file, "task: regression\nlabel: n\ntime: when\nforecast: {lags: 4, horizon: 2}", "rmse");
        assertRaced(
                file,
                "task: classification\nlabel: kind\nclasses: [k0, k1, k2]\nnumeric: [a]\nmetric: accuracy",
                "logLoss");
    }

    private void assertRaced(Path file, String schema, String metric) throws IOException {
        Path yaml = directory.resolve("things.schema.yaml");
        Files.writeString(yaml, schema);
        Path html = directory.resolve(metric + ".html");
        Words words = Words.of(
                "race", "--dataset", file.toString(), "--optimizers", "adam", "--json", "--html", html.toString());

        assertThat(words.err()).isEmpty();
        assertThat(words.status()).isZero();
        JsonNode result = JSON.readTree(words.out());
        assertThat(result.get("metric").asText()).isEqualTo(metric);
        assertThat(result.get("best")).hasSize(2);
        assertThat(result.get("no_change").isNumber()).isTrue();
        assertThat(result.get("prior").isNumber()).isTrue();
        assertThat(Files.readString(html)).contains("linear", "no-change");
    }

    @Test
    void everythingThatIsWrongIsSaid() {
        Words words = Words.of("race", "--optimizers", "adam:beta1=2,none", "--batch", "0");

        assertThat(words.status()).isEqualTo(ExitStatus.MISUSED);
        assertThat(words.err()).contains("'beta1' must be a number in [0, 1)", "unknown optimizer 'none'", "'batch'");
    }

    private static List<Double> losses(JsonNode result) {
        List<Double> losses = new ArrayList<>();
        result.get("all").forEach(finish -> losses.add(finish.get("loss").asDouble()));
        return losses;
    }

    private static Words race(String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "race", "--optimizers", "adam,soap:refresh-interval=5", "--examples", "2000", "--hidden", "16,8"));
        arguments.addAll(List.of(more));
        return Words.of(arguments.toArray(String[]::new));
    }
}
