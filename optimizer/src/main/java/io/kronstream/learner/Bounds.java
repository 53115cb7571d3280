// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.IOException;

/** Limits on what a stored learner says of itself, so that damaged bytes do not exhaust the memory. */
final class Bounds {
    private static final int LARGEST = 1 << 20;

    private Bounds() {}

    /** The count, if it can be right. */
    static int count(int count, String what) throws IOException {
        if (count < 0 || count > LARGEST) {
            throw new IOException("A count of " + count + " " + what + " cannot be right");
        }
        return count;
    }
}
