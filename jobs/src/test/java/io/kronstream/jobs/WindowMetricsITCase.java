// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static io.kronstream.jobs.Waiting.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Metrics by windows of the records' own time, on Kafka: the same whatever happens in between. */
class WindowMetricsITCase {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final DataSchema SEA =
            BuiltInStreams.byName("sea").orElseThrow().schema();
    private static final Map<String, String> EXACTLY_ONCE =
            Map.of("kafka.delivery", "exactly_once", "checkpoint.timeout", "1 min", "metrics.window", "10 min");

    private static Path dir;
    private static JobBed bed;

    @BeforeAll
    static void start(@TempDir Path temporary) throws Exception {
        dir = temporary;
        bed = new JobBed(dir, 4);
    }

    @AfterAll
    static void stop() {
        bed.close();
    }

    @Test
    void aRestartInTheMiddleOfAWindowChangesNoMetric() throws Exception {
        List<String> rows = Rows.of("sea", 2500);
        Run whole = bed.run(bed.settings(SEA, EXACTLY_ONCE), rows);
        JobSettings settings = bed.settings(SEA, EXACTLY_ONCE);
        Run first = bed.start(settings, rows, 1300);
        long completed = first.checkpoints().completed();
        await(() -> first.checkpoints().completed() >= completed + 2);
        String savepoint = first.stop(dir.resolve("savepoints"));
        Run second = bed.start(settings, new StartFrom(savepoint, false), rows.subList(1300, 2500), 1200);
        second.awaitEnd();

        List<JsonNode> windows = metrics(whole.settings());
        assertThat(metrics(settings)).isEqualTo(windows);
        // a row is a second
        assertThat(windows)
                .extracting(window -> window.path("examples").asInt())
                .containsExactly(600, 600, 600, 600, 100);
        assertThat(windows)
                .extracting(window -> window.path("wholeExamples").asInt())
                .last()
                .isEqualTo(2500);
        JsonNode last = windows.get(3);
        assertThat(last.path("to").asLong() - last.path("from").asLong())
                .isEqualTo(Duration.ofMinutes(10).toMillis());
        assertThat(last.path("metrics").path("accuracy").asDouble()).isBetween(0.5, 1.0);
        assertThat(last.path("metrics").path("auc").asDouble()).isBetween(0.1, 1.0);
        assertThat(last.path("noChange").path("logLoss").asDouble()).isPositive();
        assertThat(last.path("whole").path("normalisedEntropy").asDouble()).isPositive();
    }

    @Test
    void withoutWindowsThereAreNoMetrics() throws Exception {
        Run run = bed.run(bed.settings(SEA, Map.of("metrics.window", "0 s")), Rows.of("sea", 100));

        assertThat(metrics(run.settings())).isEmpty();
    }

    private static List<JsonNode> metrics(JobSettings settings) throws Exception {
        List<JsonNode> windows = new ArrayList<>();
        for (var record : TopicRecords.of(settings, settings.topics().metrics())) {
            windows.add(JSON.readTree(record.value()));
        }
        return windows;
    }
}
