// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.demo.Dataset;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** One process of each kind dies, the broker for a while, and nobody who reads the topics can tell. */
class DrillITCase {
    private static final long EXAMPLES = 16_000;

    @Test
    void nobodyCanTellThatProcessesDied() throws Exception {
        StringWriter out = new StringWriter();

        DrillReport report = new Drill(settings(3), new PrintWriter(out, true)).run();

        assertThat(report.differences()).as("%s", out).isEmpty();
        assertThat(report.identical()).isTrue();
        assertThat(report.verified()).isTrue();
        assertThat(report.kills()).isEqualTo(new DrillReport.Kills(3, 1, 1, 1));
        assertThat(report.crashes()).allMatch(crash -> crash.seconds() > 0);
        // Not more for certain: whoever dies before the first checkpoint leaves nothing to go back to.
        assertThat(report.restores()).isPositive();
        assertThat(report.modelDigests()).hasSize(8);
        assertThat(report.rejected()).isEqualTo(EXAMPLES / 1009);
        assertThat(report.scored() + report.rejected()).isEqualTo(EXAMPLES);
        assertThat(report.json()).contains("\"identical\":true", "\"secondsBrokerDown\":5.0");
        assertThat(out.toString()).contains("the broker dies at").contains("another starts later");
    }

    private static DrillSettings settings(int kills) {
        Dataset dataset = Dataset.named("sea-keys", null);
        Map<String, String> values = new HashMap<>();
        values.put("kafka.bootstrap", "127.0.0.1:0");
        values.put("kafka.delivery", "exactly_once");
        values.put("model.hidden", "[16, 8]");
        values.put("model.publish-every", "10");
        values.put("refresh.interval", "5");
        values.put("checkpoint.interval", "500 ms");
        values.put("checkpoint.timeout", "1 min");
        values.put("job.parallelism", "4");
        values.put("job.restart.attempts", "100");
        return new DrillSettings(
                dataset,
                EXAMPLES,
                JobSettings.of("test", values, dataset.schema()),
                kills,
                1,
                4,
                2,
                Duration.ofSeconds(5));
    }
}
