// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import java.util.List;

/** The optimizers by name. */
public final class Optimizers {
    private Optimizers() {}

    /** Every name that {@code --optimizer} takes. */
    public static List<String> names() {
        return List.of("dykaf", "adam");
    }
}
