// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What a time says of the hour, the day and the season (UTC), as inputs. */
public enum Calendar {
    /** Sine and cosine of the time of day. */
    DAY_CYCLE(2),
    /** Sine and cosine of the place in the week. */
    WEEK_CYCLE(2),
    /** Sine and cosine of the place in the mean year of 365.2425 days. */
    YEAR_CYCLE(2),
    /** One input for each hour of the day, 1 for the present one. */
    HOUR(24),
    /** One input for each day of the week from Monday on. */
    WEEKDAY(7),
    /** One input for each month. */
    MONTH(12);

    /** What a time column gives unless the schema says otherwise. */
    public static final List<Calendar> DEFAULT = List.of(DAY_CYCLE, WEEK_CYCLE);

    private static final double DAY = 86_400_000;
    private static final double WEEK = 7 * DAY;
    private static final double YEAR = 365.2425 * DAY;
    /** 1970-01-01 was a Thursday: days from the Monday before it. */
    private static final double EPOCH_TO_MONDAY = 3 * DAY;

    private final int width;

    Calendar(int width) {
        this.width = width;
    }

    int width() {
        return width;
    }

    /** Its name in a schema. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The names of all. */
    public static List<String> names() {
        return Arrays.stream(values()).map(Calendar::text).toList();
    }

    /** Writes the inputs for a time in milliseconds; returns where the next ones begin. */
    int write(long time, float[] inputs, int at) {
        switch (this) {
            case DAY_CYCLE -> cycle(time / DAY, inputs, at);
            case WEEK_CYCLE -> cycle((time + EPOCH_TO_MONDAY) / WEEK, inputs, at);
            case YEAR_CYCLE -> cycle(time / YEAR, inputs, at);
            case HOUR -> inputs[at + date(time).getHour()] = 1;
            case WEEKDAY -> inputs[at + date(time).getDayOfWeek().ordinal()] = 1;
            case MONTH -> inputs[at + date(time).getMonth().ordinal()] = 1;
        }
        return at + width;
    }

    private static LocalDateTime date(long time) {
        return LocalDateTime.ofInstant(Instant.ofEpochMilli(time), ZoneOffset.UTC);
    }

    /** Writes sine and cosine of so many turns; nothing if it is NaN. */
    static int cycle(double turns, float[] inputs, int at) {
        if (!Double.isNaN(turns)) {
            double angle = 2 * Math.PI * (turns - Math.floor(turns));
            inputs[at] = (float) StrictMath.sin(angle);
            inputs[at + 1] = (float) StrictMath.cos(angle);
        }
        return at + 2;
    }
}
