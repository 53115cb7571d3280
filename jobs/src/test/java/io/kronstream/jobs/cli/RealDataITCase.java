// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Beginnings of real streams, where the system property {@code kronstream.data} names the directory that has them. */
class RealDataITCase {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path dir;

    @Test
    void forecastsAnHourlySeries() throws IOException {
        JsonNode summary = learn("ETTh1.csv", "6000");

        assertThat(summary.path("metric").path("name").asText()).isEqualTo("rmse");
        assertThat(summary.path("metric").path("all").path("relativeRmse").asDouble())
                .isLessThan(1.1);
        assertThat(summary.path("baseline").path("name").asText()).isEqualTo("no-change");
    }

    @Test
    void classifiesAPriceSeries() throws IOException {
        JsonNode summary = learn("elec2.csv.gz", "8000");

        assertThat(summary.path("metric").path("name").asText()).isEqualTo("logLoss");
        assertThat(summary.path("metric").path("wholeRun").asDouble())
                .isLessThan(summary.path("baseline").path("wholeRun").asDouble());
    }

    @Test
    void forecastsASeriesWithGapsAndCategories() throws IOException {
        JsonNode summary = learn("metro_traffic.csv.gz", "6000");

        assertThat(summary.path("metric").path("lastQuarter").asDouble())
                .isLessThan(summary.path("baseline").path("lastQuarter").asDouble());
    }

    @Test
    void predictsRatingsFromEmbeddings() throws IOException {
        JsonNode summary = learn("goodbooks_ratings.csv.gz", "20000");

        assertThat(summary.path("metric").path("lastQuarter").asDouble())
                .isLessThan(summary.path("baseline").path("lastQuarter").asDouble());
    }

    private JsonNode learn(String file, String examples) throws IOException {
        String data = System.getProperty("kronstream.data", "");
        assumeTrue(!data.isEmpty(), "kronstream.data names no directory of data sets");
        Path path = Path.of(data, file);
        assumeTrue(Files.exists(path), "there is no " + path);
        Path json = dir.resolve("out.json");

        Words words = Words.of(
                "demo", "--dataset", path.toString(), "--examples", examples, "--no-ui", "--json", json.toString());

        assertThat(words.err()).isEmpty();
        assertThat(words.status()).isZero();
        JsonNode summary = JSON.readTree(json.toFile());
        assertThat(summary.path("verified").asBoolean()).isTrue();
        assertThat(summary.path("examples").asText()).isEqualTo(examples);
        assertThat(summary.path("rejected").asLong()).isZero();
        assertThat(summary.path("refreshes").path("remote").asLong()).isPositive();
        return summary;
    }
}
