// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * Running mean and population standard deviation (Welford 1962), and the standardisation made of them: {@code
 * clip((x - mean) / deviation, -8, 8)}, with deviation 1 while it is below 1e-9.
 */
final class RunningMoments {
    static final double LIMIT = 8;
    private static final double SMALLEST_DEVIATION = 1e-9;

    private long count;
    private double mean;
    private double squares;

    void add(double value) {
        count++;
        double delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }

    double mean() {
        return mean;
    }

    double deviation() {
        if (count == 0) {
            return 1;
        }
        double deviation = Math.sqrt(squares / count);
        return deviation < SMALLEST_DEVIATION ? 1 : deviation;
    }

    double standardise(double value) {
        return clip((value - mean) / deviation());
    }

    static double clip(double value) {
        return Math.max(-LIMIT, Math.min(LIMIT, value));
    }

    void write(DataOutput out) throws IOException {
        out.writeLong(count);
        out.writeDouble(mean);
        out.writeDouble(squares);
    }

    void read(DataInput in) throws IOException {
        count = in.readLong();
        mean = in.readDouble();
        squares = in.readDouble();
    }
}
