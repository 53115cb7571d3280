// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import io.kronstream.connectors.csv.CsvFile;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.Metric;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Task;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;

/**
 * Images and their classes, from 0 to 9, in two files of MNIST's format, plain or compressed by gzip: {@code
 * X-images-idx3-ubyte} and {@code X-labels-idx1-ubyte} beside it. A row is the class, then the pixels from 0 to 255.
 *
 * <p>Reference: LeCun, Cortes and Burges, "The MNIST database of handwritten digits": a magic number, the length of each
 * dimension, 4 bytes each with the highest first, then a byte for each element.
 */
record IdxImages(Path images, Path labels, int count, int pixels) implements Dataset {
    private static final String IMAGES = "-images-idx3-ubyte";
    private static final String LABELS = "-labels-idx1-ubyte";
    private static final int MAGIC_IMAGES = 0x803;
    private static final int MAGIC_LABELS = 0x801;
    private static final int CLASSES = 10;
    private static final String LABEL = "label";

    /** Whether a file's name says that it holds images. */
    static boolean isNamed(Path path) {
        return path.getFileName().toString().contains(IMAGES);
    }

    /** @throws InvalidSettingsException if the two files are not of this format, or do not belong together */
    static IdxImages open(Path images) {
        Path labels = images.resolveSibling(images.getFileName().toString().replace(IMAGES, LABELS));
        try (DataInputStream in = stream(images);
                DataInputStream classes = stream(labels)) {
            if (in.readInt() != MAGIC_IMAGES || classes.readInt() != MAGIC_LABELS) {
                throw new InvalidSettingsException("--dataset", List.of("'" + images + "' holds no images and labels"));
            }
            int count = in.readInt();
            long pixels = (long) in.readInt() * in.readInt();
            if (classes.readInt() != count || count < 1 || pixels < 1 || pixels >= CsvFile.MAX_COLUMNS) {
                throw new InvalidSettingsException(
                        "--dataset", List.of("'" + images + "' has images that do not fit, or not a label for each"));
            }
            return new IdxImages(images, labels, count, (int) pixels);
        } catch (IOException e) {
            throw new InvalidSettingsException(
                    "--dataset", List.of("cannot read '" + images + "', with its labels in '" + labels + "'"));
        }
    }

    private static DataInputStream stream(Path file) throws IOException {
        InputStream in = new BufferedInputStream(Files.newInputStream(file));
        return new DataInputStream(
                file.toString().endsWith(".gz") ? new BufferedInputStream(new GZIPInputStream(in)) : in);
    }

    @Override
    public String name() {
        return images.getFileName().toString();
    }

    @Override
    public DataSchema schema() {
        List<String> columns = IntStream.range(0, pixels).mapToObj(i -> "p" + i).toList();
        List<String> all = IntStream.rangeClosed(0, pixels)
                .mapToObj(i -> i == 0 ? LABEL : columns.get(i - 1))
                .toList();
        return DataSchema.builder(all, Task.CLASSIFICATION, LABEL)
                .classes(IntStream.range(0, CLASSES).mapToObj(Integer::toString).toList())
                .numeric(columns)
                .build();
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
        return Metric.first(Task.CLASSIFICATION);
    }

    @Override
    public Iterator<byte[]> rows(long seed, long limit) {
        try {
            return new Rows(this, limit);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + images, e);
        }
    }

    /** Closes its files after the last row. */
    private static final class Rows implements Iterator<byte[]> {
        private final DataInputStream in;
        private final DataInputStream classes;
        private final byte[] image;
        private long left;

        Rows(IdxImages data, long limit) throws IOException {
            this.in = stream(data.images);
            this.classes = stream(data.labels);
            in.skipNBytes(4L * Integer.BYTES);
            classes.skipNBytes(2L * Integer.BYTES);
            this.image = new byte[data.pixels];
            this.left = Math.min(limit, data.count);
        }

        @Override
        public boolean hasNext() {
            return left > 0;
        }

        @Override
        public byte[] next() {
            if (left <= 0) {
                throw new NoSuchElementException();
            }
            left--;
            try {
                StringBuilder row = new StringBuilder(4 * image.length).append(classes.readUnsignedByte());
                in.readFully(image);
                for (byte pixel : image) {
                    row.append(',').append(Byte.toUnsignedInt(pixel));
                }
                if (left == 0) {
                    in.close();
                    classes.close();
                }
                return row.toString().getBytes(StandardCharsets.US_ASCII);
            } catch (IOException e) {
                throw new UncheckedIOException("The images or labels end too early", e);
            }
        }
    }
}
