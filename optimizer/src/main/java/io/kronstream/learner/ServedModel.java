// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.linalg.Matrix;
import io.kronstream.linalg.Numerics;
import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerShape;
import io.kronstream.network.Network;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A published version that predicts, as the learner that published it would predict the next record of its stream: with
 * its parameters, and its statistics of features after that record. So records are independent of each other. Earlier
 * labels, where the schema uses them as inputs ({@code label_lags}, {@code forecast}), are those that the learner knew at the
 * version; a forecast takes the record's own label as the last known value.
 *
 * <p>In a batch of as many rows, a row's prediction equals the learner's, bit for bit, at equal numerics; of a row alone,
 * BLAS may round the last bits differently. Thread-safe.
 */
public final class ServedModel implements AutoCloseable {
    /** Rows that are predicted together at most. */
    public static final int MAX_ROWS = 1024;

    private final LearnerSettings settings;
    private final Objective objective;
    private final byte[] statistics;
    private final List<Matrix> parameters = new ArrayList<>();
    /** Scratch memory that no thread is using. */
    private final ConcurrentLinkedQueue<Network> idle = new ConcurrentLinkedQueue<>();
    /** Predictions read; closing writes. */
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

    private final int rows;
    private boolean closed;

    /**
     * @param settings of the learner that published it
     * @param payload {@link PublishedModel#payload()}
     * @throws IllegalArgumentException if the payload is not one of a learner of these settings
     */
    public ServedModel(LearnerSettings settings, byte[] payload) {
        Numerics.singleThreaded();
        this.settings = settings;
        this.objective = settings.network().objective().of(settings.schema().task());
        this.rows = Math.min(MAX_ROWS, settings.batch());
        Network network = newNetwork();
        idle.add(network);
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(payload))) {
            this.statistics = read(in, payload, shapes(network));
        } catch (IOException e) {
            close();
            throw new IllegalArgumentException("The payload ends too early, or is longer than its model");
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private byte[] read(DataInputStream in, byte[] payload, List<LayerShape> shapes) throws IOException {
        int layout = in.readUnsignedByte();
        if (layout != PublishedPayload.LAYOUT) {
            throw new IllegalArgumentException("Payload layout " + layout + " is not this reader's "
                    + PublishedPayload.LAYOUT + "; upgrade the older of the two");
        }
        in.readUTF();
        in.readUTF();
        if (!in.readUTF().equals(settings.network().text())) {
            throw new IllegalArgumentException("The network of the payload is not that of its settings");
        }
        skipTables(in);
        int count = in.readInt();
        if (count != shapes.size()) {
            throw new IllegalArgumentException("The payload has " + count + " layers, its settings " + shapes.size());
        }
        for (LayerShape shape : shapes) {
            String name = in.readUTF();
            int rows = in.readInt();
            int columns = in.readInt();
            if (rows != shape.rows() || columns != shape.columns()) {
                throw new IllegalArgumentException("'" + name + "' of the payload is " + rows + " x " + columns
                        + ", by its settings " + shape.rows() + " x " + shape.columns());
            }
        }
        int from = payload.length - in.available();
        new Features(settings.schema()).read(in);
        byte[] statistics = Arrays.copyOfRange(payload, from, payload.length - in.available());
        for (LayerShape shape : shapes) {
            Matrix weights = Matrix.create(Precision.FLOAT, shape.rows(), shape.columns());
            parameters.add(weights);
            float[] row = new float[shape.columns()];
            for (int i = 0; i < shape.rows(); i++) {
                for (int j = 0; j < row.length; j++) {
                    row[j] = in.readFloat();
                }
                weights.write(i * row.length, row, 0, row.length);
            }
        }
        if (in.available() > 0) {
            throw new IOException("trailing bytes");
        }
        return statistics;
    }

    private Network newNetwork() {
        return new Network(Precision.FLOAT, settings.network().architecture(settings.schema()), rows);
    }

    /** Shapes of all parameters, in the order of the payload. */
    private static List<LayerShape> shapes(Network network) {
        List<LayerShape> shapes = new ArrayList<>(network.shapes());
        shapes.addAll(network.norms());
        shapes.addAll(network.tables());
        return shapes;
    }

    /** The settings say what tables there are. */
    private static void skipTables(DataInputStream in) throws IOException {
        for (int table = in.readInt(); table > 0; table--) {
            in.readUTF();
            in.readInt();
            in.readInt();
            in.readUTF();
        }
        for (int product = in.readInt(); product > 0; product--) {
            in.readInt();
            in.readInt();
        }
    }

    public LearnerSettings settings() {
        return settings;
    }

    /** The prediction for one record: the probability of label 1, a value in the label's unit, or the index of a class. */
    public double predict(Example example) {
        return predict(List.of(example))[0];
    }

    /**
     * The prediction of each record, as if each were the next of the stream. A record from which nothing can be predicted, for
     * lack of history, gives NaN.
     *
     * @throws IllegalStateException if it was closed
     */
    public double[] predict(List<Example> examples) {
        double[] predictions = new double[examples.size()];
        Arrays.fill(predictions, Double.NaN);
        predict(
                examples,
                (at, instance, network, row) -> predictions[at] = objective == Objective.SOFTMAX
                        ? Objective.mostProbable(Objective.probabilities(network, row))
                        : objective.prediction(instance, network.output(row, 0)));
        return predictions;
    }

    /**
     * Of a classification, the probability of each class for each record, in the order of the schema's classes, as if each
     * were the next of the stream.
     *
     * @throws IllegalStateException if it was closed, or is no classification
     */
    public double[][] probabilities(List<Example> examples) {
        if (objective != Objective.SOFTMAX) {
            throw new IllegalStateException("The model predicts no classes");
        }
        double[][] probabilities = new double[examples.size()][];
        predict(examples, (at, instance, network, row) -> probabilities[at] = Objective.probabilities(network, row));
        return probabilities;
    }

    /** Takes what the network gives for a record. */
    private interface Taker {
        void take(int at, Instance instance, Network network, int row);
    }

    private void predict(List<Example> examples, Taker taker) {
        lock.readLock().lock();
        try {
            if (closed) {
                throw new IllegalStateException("The version was closed; a newer one has taken its place");
            }
            Network network = idle.poll();
            if (network == null) {
                network = newNetwork();
            }
            try {
                for (int from = 0; from < examples.size(); from += rows) {
                    predict(network, examples.subList(from, Math.min(examples.size(), from + rows)), from, taker);
                }
            } finally {
                idle.add(network);
            }
        } finally {
            lock.readLock().unlock();
        }
    }

    private void predict(Network network, List<Example> examples, int from, Taker taker) {
        List<Instance> instances = new ArrayList<>();
        for (Example example : examples) {
            instances.add(instance(example));
        }
        int count = 0;
        for (Instance instance : instances) {
            if (instance != null) {
                network.setInput(count, instance.inputs);
                network.setIds(count, instance.ids);
                count++;
            }
        }
        if (count > 0) {
            network.forward(parameters, count);
        }
        int row = 0;
        for (int i = 0; i < instances.size(); i++) {
            if (instances.get(i) != null) {
                taker.take(from + i, instances.get(i), network, row++);
            }
        }
    }

    private Instance instance(Example example) {
        Features features = new Features(settings.schema());
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(statistics))) {
            features.read(in);
        } catch (IOException e) {
            throw new IllegalStateException("The statistics were read before", e);
        }
        // Any label makes it an instance; only of a forecast it is an input too.
        boolean placeholder = settings.schema().forecast() == null;
        return features.add(
                placeholder
                        ? new Example(
                                example.model(),
                                example.partition(),
                                example.offset(),
                                example.timestamp(),
                                example.numeric(),
                                example.categorical(),
                                0)
                        : example);
    }

    /** Parameters, row by row; of a dense layer outputs x (inputs + 1), the bias last. */
    public float[] weights(int layer) {
        Matrix weights = parameters.get(layer);
        float[] values = new float[weights.rows() * weights.columns()];
        weights.read(0, values, 0, values.length);
        return values;
    }

    /** Shapes of the parameters: of the dense layers, the layer norms and the tables. */
    public List<LayerShape> shapes() {
        return parameters.stream()
                .map(weights -> new LayerShape(weights.rows(), weights.columns()))
                .toList();
    }

    /** Frees its native memory when the predictions that are being made have ended. Idempotent. */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            closed = true;
            parameters.forEach(Matrix::close);
            parameters.clear();
            idle.forEach(Network::close);
            idle.clear();
        } finally {
            lock.writeLock().unlock();
        }
    }
}
