// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * An input column whose values are numbers.
 *
 * @param column its name
 * @param missing values that mean that there is none, beside an empty field
 * @param fill what stands in for a missing value
 * @param constant it, for {@link Fill#CONSTANT}; in the column's own unit
 * @param indicator whether one more input is 1 where the value is missing
 * @param transform what is done with the values first
 * @param max larger values count as this one; may be infinite
 * @param lags earlier values that are inputs too, in records (of a forecast with a grid: cells) back
 * @param windows lengths of the windows whose mean, smallest and largest value are inputs too, the present value in them
 */
public record Numeric(
        String column,
        List<Double> missing,
        Fill fill,
        double constant,
        boolean indicator,
        Transform transform,
        double max,
        List<Integer> lags,
        List<Integer> windows)
        implements Serializable {

    /** What stands in for a missing value. */
    public enum Fill {
        /** The mean of the column so far. */
        MEAN,
        /** The last value that was there; before the first one, the mean. */
        CARRY,
        /** A number that is given. */
        CONSTANT
    }

    /** What is done with values before they are standardised. */
    public enum Transform {
        NONE,
        /** {@code sign(x) ln(1 + |x|)}: for amounts that are mostly small and now and then very large. */
        LOG1P
    }

    public Numeric {
        missing = new ArrayList<>(missing);
        lags = new ArrayList<>(lags);
        windows = new ArrayList<>(windows);
    }

    /** A column as it is. */
    public static Numeric plain(String column) {
        return new Numeric(
                column, List.of(), Fill.MEAN, 0, false, Transform.NONE, Double.POSITIVE_INFINITY, List.of(), List.of());
    }

    /** Columns as they are. */
    static List<Numeric> plain(List<String> columns) {
        return columns.stream().map(Numeric::plain).toList();
    }

    /** Whether nothing is said of it but its name. */
    public boolean bare() {
        return equals(plain(column));
    }

    /** How many inputs it gives. */
    int width() {
        return 1 + (indicator ? 1 : 0) + lags.size() + 3 * windows.size();
    }

    void check(List<String> problems) {
        if (!Double.isFinite(constant)) {
            problems.add("the fill of '" + column + "' must be finite, was " + constant);
        }
        if (Double.isNaN(max)) {
            problems.add("the max of '" + column + "' must be a number");
        }
        DataSchema.checkSteps(column + ".lags", lags, problems);
        DataSchema.checkSteps(column + ".windows", windows, problems);
    }

    /** Its name where nothing else is said, as the structure of a state has it. */
    @Override
    public String toString() {
        return bare()
                ? column
                : column + "{missing=" + missing + ", fill=" + fill + ", constant=" + constant + ", indicator="
                        + indicator + ", transform=" + transform + ", max=" + max + ", lags=" + lags + ", windows="
                        + windows + "}";
    }
}
