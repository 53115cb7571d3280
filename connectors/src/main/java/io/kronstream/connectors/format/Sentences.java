// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.format;

import java.util.regex.Pattern;

/** Foreign text inside sentences. */
public final class Sentences {
    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");
    private static final int MAX_CHARACTERS = 200;
    private static final int MAX_QUOTED_CHARACTERS = 40;

    private Sentences() {}

    /** A value in quotes: without control characters, and no longer than a glance. */
    public static String quote(String text) {
        return "'" + cut(text, MAX_QUOTED_CHARACTERS) + "'";
    }

    /** The beginning of a message that may quote what came from outside. */
    public static String cut(String text) {
        return cut(text, MAX_CHARACTERS);
    }

    private static String cut(String text, int limit) {
        String head = text.length() <= limit ? text : text.substring(0, limit) + "...";
        return CONTROL.matcher(head).replaceAll("?");
    }
}
