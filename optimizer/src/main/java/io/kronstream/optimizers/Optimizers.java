// SPDX-License-Identifier: Apache-2.0
package io.kronstream.optimizers;

import io.kronstream.linalg.Precision;
import java.util.List;

/** The optimizers by name. */
public final class Optimizers {
    private Optimizers() {}

    /** Every name that {@code --optimizer} takes. */
    public static List<String> names() {
        return List.of("dykaf", "soap", "adam", "adamw", "sgd", "nesterov");
    }

    /**
     * An optimizer for one thread; the caller closes it.
     *
     * @throws IllegalArgumentException if the settings name an unknown optimizer or have problems
     */
    public static Optimizer create(OptimizerSettings settings, Precision precision) {
        List<String> problems = settings.problems();
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        return switch (settings.name()) {
            case "adam" -> new Adam(settings);
            case "adamw" -> new AdamW(settings);
            case "sgd" -> new SGD(settings, false);
            case "nesterov" -> new SGD(settings, true);
            case "soap" -> new SOAP(settings, precision);
            case "dykaf" -> new DyKAF(settings, precision);
            default -> throw new IllegalArgumentException(
                    "unknown optimizer '" + settings.name() + "'; known are " + String.join(", ", names()));
        };
    }
}
