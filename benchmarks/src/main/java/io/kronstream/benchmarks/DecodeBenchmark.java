// SPDX-License-Identifier: Apache-2.0
package io.kronstream.benchmarks;

import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.format.AvroFormat;
import io.kronstream.connectors.format.CsvFormat;
import io.kronstream.connectors.format.JsonFormat;
import io.kronstream.connectors.format.RowFormat;
import io.kronstream.connectors.format.UndecodableException;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Task;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** From the bytes of a record to an example: a model's name, numbers of four decimals and a label. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 2)
@Fork(1)
public class DecodeBenchmark {
    private static final int RECORDS = 256;

    @Param({"csv", "json", "avro"})
    String format;

    @Param({"10", "256"})
    int numbers;

    private final RawRecord[] records = new RawRecord[RECORDS];
    private ExampleDecoder decoder;

    @Setup
    public void prepare() {
        List<String> inputs =
                IntStream.rangeClosed(1, numbers).mapToObj(i -> "x" + i).toList();
        List<String> columns = new ArrayList<>(List.of("model"));
        columns.addAll(inputs);
        columns.add("label");
        DataSchema schema = DataSchema.builder(columns, Task.BINARY, "label")
                .numeric(inputs)
                .key("model")
                .build();
        decoder = new ExampleDecoder(rowFormat(inputs), schema, "default");
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < RECORDS; i++) {
            double[] x = random.ints(numbers, -9999, 10_000)
                    .mapToDouble(scaled -> scaled / 1e4)
                    .toArray();
            records[i] = new RawRecord("examples", 0, i, 0, null, value("m" + i % 8, x, i % 2));
        }
    }

    private RowFormat rowFormat(List<String> inputs) {
        return switch (format) {
            case "csv" -> new CsvFormat();
            case "json" -> new JsonFormat();
            default -> AvroFormat.ofSchema(inputs.stream()
                    .map(name -> "{\"name\":\"" + name + "\",\"type\":\"double\"},")
                    .collect(Collectors.joining(
                            "",
                            "{\"type\":\"record\",\"name\":\"row\",\"fields\":[{\"name\":\"model\",\"type\":\"string\"},",
                            "{\"name\":\"label\",\"type\":\"double\"}]}")));
        };
    }

    private byte[] value(String model, double[] x, int label) {
        String text =
                switch (format) {
                    case "csv" -> model + ","
                            + Arrays.stream(x).mapToObj(Double::toString).collect(Collectors.joining(",")) + ","
                            + label;
                    case "json" -> "{\"model\":\"" + model + "\","
                            + IntStream.range(0, x.length)
                                    .mapToObj(i -> "\"x" + (i + 1) + "\":" + x[i] + ",")
                                    .collect(Collectors.joining())
                            + "\"label\":" + label + "}";
                    default -> null;
                };
        return text == null ? avro(model, x, label) : text.getBytes(StandardCharsets.UTF_8);
    }

    /** A string with its length, as a zigzag number, before it; doubles as they are, little-endian. */
    private static byte[] avro(String model, double[] x, int label) {
        ByteBuffer bytes = ByteBuffer.allocate(1 + model.length() + Double.BYTES * (x.length + 1))
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) (2 * model.length()))
                .put(model.getBytes(StandardCharsets.US_ASCII));
        for (double number : x) {
            bytes.putDouble(number);
        }
        return bytes.putDouble(label).array();
    }

    @Benchmark
    @OperationsPerInvocation(RECORDS)
    public void decode(Blackhole sink) throws UndecodableException {
        for (RawRecord record : records) {
            for (Example example : decoder.decode(record)) {
                sink.consume(example);
            }
        }
    }
}
