// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.jobs.JobBed.Run;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Task;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What running jobs show to Prometheus is what the page lists and what the dashboards ask for. */
class MetricsITCase {
    private static final Path ROOT = Path.of(System.getProperty("kronstream.root"));
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final String OPERATOR = "flink_taskmanager_job_task_operator_";
    private static final Pattern OWN =
            Pattern.compile("(train|eigenRefresh|evaluate|model_evaluate|rejected|reason_).*");
    private static final Pattern LISTED = Pattern.compile("^\\| `(\\w+)` \\|", Pattern.MULTILINE);
    private static final Pattern ASKED = Pattern.compile("flink_\\w+");

    private static final String ROW = "1767225600000,one,2,3,1";

    @Test
    void thePageAndTheDashboardsNameWhatJobsShow(@TempDir Path dir) throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        DataSchema classes = BuiltInStreams.byName("sea").orElseThrow().schema();
        DataSchema numbers = DataSchema.builder(classes.columns(), Task.REGRESSION, classes.label())
                .numeric(List.of("x1", "x2", "x3"))
                .time("time")
                .build();
        try (JobBed bed = new JobBed(dir, 4, port)) {
            Map<String, String> options = Map.of("metrics.window", "1 min", "refresh.interval", "5");
            Map<String, String> quantile =
                    Map.of("metrics.window", "1 min", "model.loss", "quantile", "model.quantile", "0.9");
            Run first = bed.startEndless(bed.settings(classes, options), StartFrom.NOTHING);
            Run second = bed.startEndless(bed.settings(numbers, quantile), StartFrom.NOTHING);
            JobBed.send(first.settings(), rows());
            JobBed.send(second.settings(), rows());

            Set<String> listed = listed();
            Set<String> shown = scrape(port);
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (!own(shown).containsAll(listed) && System.nanoTime() < deadline) {
                LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
                shown = scrape(port);
            }
            assertThat(own(shown)).as("docs/reference/metrics.md lists").isEqualTo(listed);
            assertThat(shown).containsAll(asked("learning"));
            assertThat(shown).containsAll(asked("operations"));
            first.finish(dir.resolve("savepoints"));
            second.finish(dir.resolve("savepoints"));
        }
    }

    private static List<String> rows() {
        List<String> rows = new ArrayList<>(Rows.of("sea", 600));
        rows.add(300, ROW); // a bad one
        return rows;
    }

    private static Set<String> listed() throws Exception {
        return names(LISTED, new ReferencePage("docs/reference/metrics.md").text());
    }

    /** Metrics that the expressions of a dashboard ask for. */
    private static Set<String> asked(String dashboard) throws Exception {
        Set<String> names = new TreeSet<>();
        JsonNode panels = new ObjectMapper()
                .readTree(Files.readString(ROOT.resolve("docker/grafana/dashboards/" + dashboard + ".json")))
                .path("panels");
        for (JsonNode panel : panels) {
            for (JsonNode target : panel.path("targets")) {
                names.addAll(names(ASKED, target.path("expr").asText()));
            }
        }
        assertThat(names).hasSizeGreaterThan(5);
        return names;
    }

    private static Set<String> own(Set<String> shown) {
        Set<String> own = new TreeSet<>();
        for (String name : shown) {
            if (name.startsWith(OPERATOR)
                    && OWN.matcher(name.substring(OPERATOR.length())).matches()) {
                own.add(name.substring(OPERATOR.length()));
            }
        }
        return own;
    }

    private static Set<String> names(Pattern pattern, String text) {
        Set<String> names = new TreeSet<>();
        pattern.matcher(text)
                .results()
                .map(MatchResult::group)
                .forEach(match -> names.add(match.replaceAll("[|` ]", "")));
        return names;
    }

    /** Names of all metrics. */
    private static Set<String> scrape(int port) throws Exception {
        HttpResponse<String> answer = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(200);
        Set<String> names = new TreeSet<>();
        answer.body().lines().filter(line -> line.startsWith("# TYPE ")).forEach(line -> names.add(line.split(" ")[2]));
        return names;
    }
}
