// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import io.kronstream.connectors.csv.CsvFile;
import io.kronstream.connectors.example.FileReplay;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.Metric;
import io.kronstream.jobs.SchemaFile;
import io.kronstream.jobs.streams.BuiltInStream;
import io.kronstream.jobs.streams.BuiltInStreams;
import io.kronstream.learner.DataSchema;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** Rows to learn from. */
public interface Dataset {

    String name();

    DataSchema schema();

    /** Whether its rows never end by themselves. */
    boolean endless();

    /** The best accuracy that anyone can reach, where it is known. */
    OptionalDouble bestPossible();

    /** The metric to show first. */
    Metric metric();

    /** The first {@code limit} rows, without a header; the same ones each time. */
    Iterator<byte[]> rows(long seed, long limit);

    /**
     * The built-in stream of that name, or else the CSV file of that path, or the images in it.
     *
     * @param schema file of its schema, or null to look for one
     * @throws InvalidSettingsException if there is neither, or the schema does not fit
     */
    static Dataset named(String name, Path schema) {
        Optional<BuiltInStream> stream = BuiltInStreams.byName(name);
        if (stream.isPresent()) {
            if (schema != null) {
                throw new InvalidSettingsException(
                        "--schema", List.of("the built-in stream '" + name + "' has a schema of its own"));
            }
            return new Generated(stream.get());
        }
        Path path = Path.of(name);
        if (!Files.isRegularFile(path)) {
            throw new InvalidSettingsException(
                    "--dataset",
                    List.of("there is no file '" + name + "' and no built-in stream of that name; these are "
                            + String.join(", ", BuiltInStreams.names())));
        }
        if (schema == null && IdxImages.isNamed(path)) {
            return IdxImages.open(path);
        }
        CsvFile file = CsvFile.open(path);
        return new Recorded(file, SchemaFile.of(path, schema, file.header()));
    }

    /** A stream that is made while it is read. */
    record Generated(BuiltInStream stream) implements Dataset {
        @Override
        public String name() {
            return stream.name();
        }

        @Override
        public DataSchema schema() {
            return stream.schema();
        }

        @Override
        public boolean endless() {
            return true;
        }

        @Override
        public OptionalDouble bestPossible() {
            return OptionalDouble.of(stream.bestAccuracy());
        }

        @Override
        public Metric metric() {
            return schema().metric() == null ? Metric.ACCURACY : Metric.byName(schema().task(), schema().metric());
        }

        @Override
        public Iterator<byte[]> rows(long seed, long limit) {
            Iterator<String> rows = stream.rows(seed);
            Iterable<String> iterable = () -> rows;
            Stream<String> first =
                    StreamSupport.stream(iterable.spliterator(), false).limit(limit);
            return FileReplay.bytes(first.iterator());
        }
    }

    /** The rows of a file. */
    record Recorded(CsvFile file, DataSchema schema) implements Dataset {
        @Override
        public String name() {
            return file.path().getFileName().toString();
        }

        @Override
        public boolean endless() {
            return false;
        }

        @Override
        public OptionalDouble bestPossible() {
            return OptionalDouble.empty();
        }

        @Override
        public Metric metric() {
            if (schema.metric() != null) {
                return Metric.byName(schema.task(), schema.metric());
            }
            return Metric.first(schema.task());
        }

        @Override
        public Iterator<byte[]> rows(long seed, long limit) {
            return file.rows(limit);
        }
    }
}
