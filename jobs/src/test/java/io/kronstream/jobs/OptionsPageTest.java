// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.description.HtmlFormatter;
import org.junit.jupiter.api.Test;

/** Keeps the documented options what the code says. */
class OptionsPageTest {
    @Test
    void thePageListsEveryOptionAsItIs() throws IOException {
        new ReferencePage("docs/reference/options.md").says(page());
    }

    private static String page() {
        StringBuilder page = new StringBuilder(
                """
                # Options of a job

                In `job.yaml` the nouns of a key are nested (`batch: {size: 32}`); on the command line `--set batch.size=32`
                sets any of them. Durations are `10 s` or `500 ms`, sizes `64 mb`. Beside the options a job file has the
                records' `columns`, in order, and the `schema` ([schema reference](schema.md)), inline or as the path of its
                file. Everything that is wrong is listed before the job is submitted.

                | option | default | what it is and what it costs |
                |---|---|---|
                """);
        for (ConfigOption<?> option : JobOptions.ALL) {
            page.append("| `").append(option.key()).append("` | ");
            page.append(defaultOf(option)).append(" | ");
            page.append(new HtmlFormatter().format(option.description())).append(" |\n");
        }
        return page.toString();
    }

    private static String defaultOf(ConfigOption<?> option) {
        Object value = option.defaultValue();
        if (value == null || value.equals(Map.of())) {
            return "";
        }
        if (value instanceof Duration duration) {
            return duration.toMillis() % 1000 == 0 ? duration.toSeconds() + " s" : duration.toMillis() + " ms";
        }
        if (value instanceof MemorySize size) {
            return size.getMebiBytes() + " mb";
        }
        return value instanceof Enum<?> constant ? constant.name().toLowerCase(Locale.ROOT) : value.toString();
    }
}
