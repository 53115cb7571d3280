// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.ConfigOption;

/** Values of job options that were given on the command line; those that were not given are left out. */
final class OptionValues {
    private final Map<String, String> values = new TreeMap<>();

    OptionValues put(ConfigOption<?> option, Object value) {
        return put(option.key(), value);
    }

    OptionValues put(String key, Object value) {
        if (value != null) {
            values.put(key, value.toString());
        }
        return this;
    }

    OptionValues putMillis(ConfigOption<?> option, Long millis) {
        return put(option, millis == null ? null : millis + " ms");
    }

    OptionValues putAll(Map<String, String> more) {
        values.putAll(more);
        return this;
    }

    Map<String, String> values() {
        return values;
    }
}
