// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import java.io.Serializable;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A place in every partition of some topics, where reading begins or ends.
 *
 * @param kind how it is given
 * @param timestamp for {@link Kind#TIMESTAMP}: the place is the first record that has this timestamp or a later one, in
 *     milliseconds since the epoch
 * @param offsets for {@link Kind#OFFSETS}: by {@code PARTITION}, or {@code TOPIC:PARTITION} where there are several topics
 */
public record Position(Kind kind, long timestamp, Map<String, Long> offsets) implements Serializable {
    /** How a place is given. */
    public enum Kind {
        /** The oldest record that the topic still holds. */
        EARLIEST,
        /** After the newest record that there is when the job starts. */
        LATEST,
        /** Where the consumer group has committed that it was; the oldest record where it has not. */
        COMMITTED,
        /** By the timestamps of records. */
        TIMESTAMP,
        /** By offsets. */
        OFFSETS,
        /** Nowhere: as an end, for a stream without one. */
        NEVER;

        String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public static final Position EARLIEST = new Position(Kind.EARLIEST, 0, Map.of());
    public static final Position NEVER = new Position(Kind.NEVER, 0, Map.of());

    /** What the text of a position may be. */
    public static final String FORMS =
            "'earliest', 'latest', 'committed', 'timestamp 2026-01-31T00:00:00Z' or 'offsets 0=42 1=17'";

    private static final Pattern OFFSET = Pattern.compile("(?:([a-zA-Z0-9._-]+):)?(\\d{1,9})=(\\d{1,18})");

    public Position {
        offsets = new TreeMap<>(offsets);
    }

    /** The place before these offsets, by the partitions of one topic. */
    public static Position before(Map<Integer, Long> offsets) {
        Map<String, Long> named = new TreeMap<>();
        offsets.forEach((partition, offset) -> named.put(partition.toString(), offset));
        return new Position(Kind.OFFSETS, 0, named);
    }

    /**
     * Reads a text such as {@code earliest}, {@code timestamp 2026-01-31T00:00:00Z} (or milliseconds since the epoch), or
     * {@code offsets clicks:0=42 clicks:1=17}.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static Position parse(String text) {
        String[] words = text.strip().split("[\\s,]+", -1);
        Kind kind = null;
        for (Kind each : Kind.values()) {
            kind = each.text().equals(words[0]) ? each : kind;
        }
        if (kind == Kind.TIMESTAMP && words.length == 2) {
            return new Position(kind, time(words[1]), Map.of());
        }
        if (kind == Kind.OFFSETS && words.length > 1) {
            Map<String, Long> offsets = new TreeMap<>();
            for (int i = 1; i < words.length; i++) {
                Matcher offset = OFFSET.matcher(words[i]);
                if (!offset.matches()) {
                    throw new IllegalArgumentException(
                            "'" + words[i] + "' is not PARTITION=OFFSET or TOPIC:PARTITION=OFFSET");
                }
                String topic = offset.group(1) == null ? "" : offset.group(1) + ":";
                offsets.put(topic + Integer.parseInt(offset.group(2)), Long.parseLong(offset.group(3)));
            }
            return new Position(kind, 0, offsets);
        }
        if (kind == null || kind == Kind.TIMESTAMP || kind == Kind.OFFSETS || words.length > 1) {
            throw new IllegalArgumentException("it is " + FORMS + ", was '" + text + "'");
        }
        return new Position(kind, 0, Map.of());
    }

    private static long time(String text) {
        try {
            return text.matches("\\d{1,15}")
                    ? Long.parseLong(text)
                    : Instant.parse(text).toEpochMilli();
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not a time such as 2026-01-31T00:00:00Z, nor milliseconds since the epoch");
        }
    }

    /** What {@link #parse} reads back. */
    public String text() {
        return switch (kind) {
            case TIMESTAMP -> kind.text() + " " + Instant.ofEpochMilli(timestamp);
            case OFFSETS -> offsets.entrySet().stream()
                    .map(entry -> " " + entry.getKey() + "=" + entry.getValue())
                    .collect(Collectors.joining("", kind.text(), ""));
            default -> kind.text();
        };
    }
}
