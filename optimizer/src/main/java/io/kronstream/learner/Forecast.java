// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A forecast: what is predicted is the label itself, some steps ahead. A step is a record, or, with a grid, a cell of it,
 * which is a stretch of the records' own time. The first record of a cell stands for it; later records of the cell, and
 * records of cells before, are passed over; an empty cell counts as one in which nothing changed.
 *
 * @param lags how many of the last values of the label are inputs
 * @param horizon how many steps ahead the target lies
 * @param grid milliseconds of a cell; 0 for no grid
 * @param seasonal inputs too: the values that the label had so many steps before the target
 * @param windows inputs too: mean, smallest and largest of so many last values of the label
 */
public record Forecast(int lags, int horizon, long grid, List<Integer> seasonal, List<Integer> windows)
        implements Serializable {

    public Forecast {
        seasonal = new ArrayList<>(seasonal);
        windows = new ArrayList<>(windows);
    }

    /** Without a grid, and with lags alone. */
    public Forecast(int lags, int horizon) {
        this(lags, horizon, 0, List.of(), List.of());
    }

    /** How many inputs the label's past gives. */
    int width() {
        return lags + seasonal.size() + 3 * windows.size();
    }

    /** How many values of the label must be known before the first forecast. */
    int reach() {
        return IntStream.concat(
                        IntStream.of(lags),
                        IntStream.concat(
                                seasonal.stream().mapToInt(this::back),
                                windows.stream().mapToInt(Integer::intValue)))
                .max()
                .getAsInt();
    }

    /** Where in the history a value lies that is so many steps before the target; 1 is the last one known. */
    int back(int season) {
        return season - horizon + 1;
    }

    /** The cell of a time. */
    long cell(long time) {
        return Math.floorDiv(time, grid);
    }

    /** The time of the target of a forecast made at a time; without a grid it is not known, and this is the time itself. */
    long targetTime(long time) {
        return grid > 0 ? (cell(time) + horizon) * grid : time;
    }

    void check(List<String> problems) {
        DataSchema.checkSteps("forecast.lags", List.of(lags), problems);
        DataSchema.checkSteps("forecast.horizon", List.of(horizon), problems);
        DataSchema.checkSteps("forecast.seasonal", seasonal, problems);
        DataSchema.checkSteps("forecast.windows", windows, problems);
        for (int season : seasonal) {
            if (season < horizon) {
                problems.add("'forecast.seasonal' must not be less than 'forecast.horizon' (" + horizon + "), was "
                        + season + ": that value is not known yet");
            }
        }
        if (grid < 0) {
            problems.add("'forecast.grid' must be positive, was " + grid + " ms");
        }
    }

    /** As the structure of a state has it. */
    @Override
    public String toString() {
        String more = grid == 0 && seasonal.isEmpty() && windows.isEmpty()
                ? ""
                : ", grid=" + grid + ", seasonal=" + seasonal + ", windows=" + windows;
        return "Forecast[lags=" + lags + ", horizon=" + horizon + more + "]";
    }
}
