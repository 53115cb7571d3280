// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.core.io.NumberOutput;
import io.kronstream.connectors.format.DecimalText;
import io.kronstream.learner.Score;
import io.kronstream.state.ModelScore;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Scores as JSON: {@code model}, {@code partition}, {@code offset}, {@code row}, {@code timestamp}, {@code step}, {@code
 * prediction}, {@code label}, {@code noChange}, {@code prior}, {@code weight} where it is not 1, and of a classification
 * {@code answer}, {@code noChangeAnswer}, {@code priorAnswer}. A number reads back as the very same double; one that is not
 * finite is null.
 *
 * <p>There is one for every example, so it is written by hand: a JSON generator takes three times as long.
 */
final class ScoreSerializer implements KafkaRecordSerializationSchema<ModelScore> {
    private static final long serialVersionUID = 1;

    private static final byte[] PARTITION = name("partition");
    private static final byte[] OFFSET = name("offset");
    private static final byte[] ROW = name("row");
    private static final byte[] TIMESTAMP = name("timestamp");
    private static final byte[] STEP = name("step");
    private static final byte[] PREDICTION = name("prediction");
    private static final byte[] LABEL = name("label");
    private static final byte[] NO_CHANGE = name("noChange");
    private static final byte[] PRIOR = name("prior");
    private static final byte[] WEIGHT = name("weight");

    private static final byte[] NULL = "null".getBytes(StandardCharsets.US_ASCII);

    private static final byte[] ANSWER = name("answer");
    private static final byte[] NO_CHANGE_ANSWER = name("noChangeAnswer");
    private static final byte[] PRIOR_ANSWER = name("priorAnswer");

    /** Bytes of everything but the model's name, at most: thirteen names, eight integers, five doubles. */
    private static final int MAX_NUMBERS = 512;

    private final String topic;

    /** The scores of a mini-batch come together, so this is nearly always the right one. */
    private transient String model;

    private transient byte[] key;
    /** Begins with the model's name. */
    private transient byte[] buffer;

    private transient int head;
    private transient int length;

    ScoreSerializer(String topic) {
        this.topic = topic;
    }

    private static byte[] name(String field) {
        return (",\"" + field + "\":").getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(ModelScore scored, KafkaSinkContext context, Long timestamp) {
        if (!scored.model().equals(model)) {
            begin(scored.model());
        }
        return new ProducerRecord<>(topic, key, json(scored.score()));
    }

    private void begin(String name) {
        model = name;
        key = name.getBytes(StandardCharsets.UTF_8);
        byte[] quoted = JsonStringEncoder.getInstance().quoteAsUTF8(name);
        buffer = new byte[quoted.length + MAX_NUMBERS];
        length = 0;
        write("{\"model\":\"".getBytes(StandardCharsets.US_ASCII));
        write(quoted);
        buffer[length++] = '"';
        head = length;
    }

    private byte[] json(Score score) {
        length = head;
        write(PARTITION, score.partition());
        write(OFFSET, score.offset());
        write(ROW, score.row());
        write(TIMESTAMP, score.timestamp());
        write(STEP, score.step());
        write(PREDICTION, score.prediction());
        write(LABEL, score.label());
        write(NO_CHANGE, score.noChange());
        write(PRIOR, score.prior());
        if (score.weight() != 1) {
            write(WEIGHT, score.weight());
        }
        if (score.answers() != null) {
            write(ANSWER, score.answers().model());
            write(NO_CHANGE_ANSWER, score.answers().noChange());
            write(PRIOR_ANSWER, score.answers().prior());
        }
        buffer[length++] = '}';
        return Arrays.copyOf(buffer, length);
    }

    private void write(byte[] name, long value) {
        write(name);
        length = NumberOutput.outputLong(value, buffer, length);
    }

    private void write(byte[] name, double value) {
        write(name);
        if (Double.isFinite(value)) {
            length = DecimalText.write(value, buffer, length);
        } else {
            write(NULL);
        }
    }

    private void write(byte[] bytes) {
        System.arraycopy(bytes, 0, buffer, length, bytes.length);
        length += bytes.length;
    }
}
