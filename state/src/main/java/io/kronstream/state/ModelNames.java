// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The ids of models as strings. One that was asked for lately is given out again, so that a record costs no new string,
 * and its hash is computed once. May be used by any thread: what a thread has not seen of another, it makes itself.
 */
public final class ModelNames {
    private static final int SLOTS = 1 << 12;

    /** Longer ones are not kept. */
    private static final int MAX_BYTES = 256;

    private static final Name[] KEPT = new Name[SLOTS];

    /** Immutable, so that it may be published by a race. */
    private record Name(byte[] utf8, String text) {}

    private ModelNames() {}

    /** The text in {@code bytes[from, to)}; what is not UTF-8 becomes the replacement character. */
    public static String of(byte[] bytes, int from, int to) {
        int hash = 0;
        for (int i = from; i < to; i++) {
            hash = 31 * hash + bytes[i];
        }
        int slot = (hash ^ hash >>> 16) & SLOTS - 1;
        Name kept = KEPT[slot];
        if (kept != null && Arrays.equals(kept.utf8, 0, kept.utf8.length, bytes, from, to)) {
            return kept.text;
        }
        String text = new String(bytes, from, to - from, StandardCharsets.UTF_8);
        if (to - from <= MAX_BYTES) {
            KEPT[slot] = new Name(Arrays.copyOfRange(bytes, from, to), text);
        }
        return text;
    }
}
