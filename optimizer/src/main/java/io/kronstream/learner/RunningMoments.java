// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * Running mean and population standard deviation of each of several series (Welford 1962), and the standardisation made
 * of them: {@code clip((x - mean) / deviation, -8, 8)}, with deviation 1 while it is below 1e-9. What is done for all
 * series at once gives the same bits as one series after the other.
 */
final class RunningMoments {
    static final double LIMIT = 8;
    private static final double SMALLEST_DEVIATION = 1e-9;

    /** Whole numbers, exact to 2^53. */
    private final double[] count;

    private final double[] mean;
    private final double[] squares;
    private final double[] scratch;

    RunningMoments(int series) {
        count = new double[series];
        mean = new double[series];
        squares = new double[series];
        scratch = new double[series];
    }

    void add(int series, double value) {
        count[series]++;
        double delta = value - mean[series];
        mean[series] += delta / count[series];
        squares[series] += delta * (value - mean[series]);
    }

    /** Adds to each series the value at its index. */
    void add(double[] values) {
        for (int i = 0; i < count.length; i++) {
            double n = count[i] + 1;
            double delta = values[i] - mean[i];
            double newMean = mean[i] + delta / n;
            count[i] = n;
            mean[i] = newMean;
            squares[i] += delta * (values[i] - newMean);
        }
    }

    double mean(int series) {
        return mean[series];
    }

    double deviation(int series) {
        return count[series] == 0 ? 1 : notSmall(Math.sqrt(squares[series] / count[series]));
    }

    private static double notSmall(double deviation) {
        return deviation < SMALLEST_DEVIATION ? 1 : deviation;
    }

    double standardise(int series, double value) {
        return clip((value - mean[series]) / deviation(series));
    }

    /** Standardises the value at the index of each series, each of which has had one. */
    void standardise(double[] values, float[] out) {
        for (int i = 0; i < count.length; i++) {
            scratch[i] = Math.sqrt(squares[i] / count[i]);
        }
        for (int i = 0; i < count.length; i++) {
            out[i] = (float) clip((values[i] - mean[i]) / notSmall(scratch[i]));
        }
    }

    static double clip(double value) {
        return Math.max(-LIMIT, Math.min(LIMIT, value));
    }

    void write(int series, DataOutput out) throws IOException {
        out.writeLong((long) count[series]);
        out.writeDouble(mean[series]);
        out.writeDouble(squares[series]);
    }

    void read(int series, DataInput in) throws IOException {
        count[series] = in.readLong();
        mean[series] = in.readDouble();
        squares[series] = in.readDouble();
    }
}
