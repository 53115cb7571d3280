// SPDX-License-Identifier: Apache-2.0
package io.kronstream.linalg;

import java.util.Arrays;
import java.util.Comparator;
import java.util.function.IntToDoubleFunction;

/** Orders columns by a value. */
public final class Ordering {
    private Ordering() {}

    /** Indices by descending value; equal values keep the order of their indices. */
    public static int[] descending(int count, IntToDoubleFunction value) {
        Integer[] order = new Integer[count];
        Arrays.setAll(order, i -> i);
        // The sort is stable, which breaks ties by index.
        Arrays.sort(order, Comparator.comparingDouble(i -> -value.applyAsDouble(i)));
        return Arrays.stream(order).mapToInt(Integer::intValue).toArray();
    }
}
