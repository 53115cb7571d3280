// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import io.kronstream.evaluation.WindowMetrics;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Bytes of {@link WindowMetrics}. */
public final class WindowMetricsCodec implements Codec<WindowMetrics> {
    private static final long serialVersionUID = 1;
    private static final int MAX_METRICS = 1000;

    @Override
    public int layout() {
        return 1;
    }

    @Override
    public void write(WindowMetrics window, DataOutput out) throws IOException {
        Wire.writeString(window.model(), out);
        out.writeLong(window.from());
        out.writeLong(window.to());
        out.writeLong(window.step());
        out.writeLong(window.examples());
        writeMetrics(window.metrics(), out);
        writeMetrics(window.noChange(), out);
        writeMetrics(window.prior(), out);
        out.writeLong(window.wholeExamples());
        writeMetrics(window.whole(), out);
    }

    @Override
    public WindowMetrics read(int layout, DataInput in) throws IOException {
        return new WindowMetrics(
                Wire.readString(in),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                readMetrics(in),
                readMetrics(in),
                readMetrics(in),
                in.readLong(),
                readMetrics(in));
    }

    private static void writeMetrics(SortedMap<String, Double> metrics, DataOutput out) throws IOException {
        out.writeInt(metrics.size());
        for (Map.Entry<String, Double> metric : metrics.entrySet()) {
            Wire.writeString(metric.getKey(), out);
            out.writeDouble(metric.getValue());
        }
    }

    private static SortedMap<String, Double> readMetrics(DataInput in) throws IOException {
        SortedMap<String, Double> metrics = new TreeMap<>();
        for (int count = Wire.readLength("metrics", MAX_METRICS, in); count > 0; count--) {
            metrics.put(Wire.readString(in), in.readDouble());
        }
        return metrics;
    }
}
