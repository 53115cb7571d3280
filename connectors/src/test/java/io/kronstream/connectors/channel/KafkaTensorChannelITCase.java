// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.connectors.ConnectorException;
import io.kronstream.connectors.TestBroker;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.state.RefreshAnswerCodec;
import io.kronstream.state.TensorChannel;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.util.InstantiationUtil;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

@SuppressWarnings("try") // readers are open for what they hand on
class KafkaTensorChannelITCase {
    @RegisterExtension
    static final TestBroker BROKER = new TestBroker();

    private static final int MAX_PARALLELISM = 128;
    private static final long DEADLINE_SECONDS = 60;

    private final BlockingQueue<RefreshAnswer> received = new LinkedBlockingQueue<>();

    @Test
    void carriesLargeAndSmallAnswers() throws Exception {
        TensorChannel channel = InstantiationUtil.clone(newChannel(1));
        try (AutoCloseable reader = channel.read(0, 1, MAX_PARALLELISM, received::add);
                TensorChannel.Writer writer = channel.write(1, MAX_PARALLELISM)) {
            for (int size : new int[] {1, 1500, 2048, 3}) {
                RefreshAnswer sent = answer("m", size, size);
                writer.send(sent);
                assertSame(next(), sent);
            }
            RefreshAnswer failed =
                    new RefreshAnswer("m", 1, 0, 9, "c", "f", false, 64, new float[0], new float[0], new int[0]);
            writer.send(failed);
            assertSame(next(), failed);
        }
    }

    /** Compares the encoded forms: a comparison element by element would box millions of floats. */
    private static void assertSame(RefreshAnswer actual, RefreshAnswer expected) {
        RefreshAnswerCodec codec = new RefreshAnswerCodec();
        assertThat(Arrays.equals(codec.toBytes(actual), codec.toBytes(expected)))
                .isTrue();
    }

    @Test
    void eachSubtaskSeesItsOwnModelsAlone() throws Exception {
        int parallelism = 3;
        TensorChannel channel = newChannel(parallelism);
        Set<String> seen = new HashSet<>();
        try (AutoCloseable first = channel.read(0, parallelism, MAX_PARALLELISM, answer -> receive(0, answer));
                AutoCloseable second = channel.read(1, parallelism, MAX_PARALLELISM, answer -> receive(1, answer));
                AutoCloseable third = channel.read(2, parallelism, MAX_PARALLELISM, answer -> receive(2, answer));
                TensorChannel.Writer writer = channel.write(parallelism, MAX_PARALLELISM)) {
            for (int i = 0; i < 60; i++) {
                writer.send(answer("model" + i, 4, i));
            }
            for (int i = 0; i < 60; i++) {
                seen.add(next().model());
            }
        }
        assertThat(seen).hasSize(60);
        assertThat(received).isEmpty();
    }

    /** Puts an answer in the queue only if it came to the right subtask; the test then misses it otherwise. */
    private void receive(int subtask, RefreshAnswer answer) {
        if (KeyGroupRangeAssignment.assignKeyToParallelOperator(answer.model(), MAX_PARALLELISM, 3) == subtask) {
            received.add(answer);
        }
    }

    @Test
    void missesNothingThatIsSentAfterReadReturns() throws Exception {
        TensorChannel channel = newChannel(1);
        try (TensorChannel.Writer writer = channel.write(1, MAX_PARALLELISM)) {
            for (int round = 0; round < 5; round++) {
                writer.send(answer("before", 2, round));
                try (AutoCloseable reader = channel.read(0, 1, MAX_PARALLELISM, received::add)) {
                    writer.send(answer("after", 2, round));
                    RefreshAnswer answer = next();
                    if (answer.model().equals("before")) { // still on its way when the reader started
                        answer = next();
                    }
                    assertThat(answer.model()).isEqualTo("after");
                    assertThat(answer.version()).isEqualTo(round);
                }
            }
        }
    }

    @Test
    void skipsWhatIsNoAnswerOrNotItsOwn() throws Exception {
        String topic = BROKER.createTopics(1, 2).channel();
        KafkaTensorChannel channel = new KafkaTensorChannel(BROKER.settings(), topic);
        String own = modelOf(0);
        String foreign = modelOf(1);
        byte[] encoded = new RefreshAnswerCodec().toBytes(answer(own, 3, 1));
        try (ChannelReader reader = channel.read(0, 2, MAX_PARALLELISM, received::add);
                KafkaProducer<byte[], byte[]> producer = BROKER.producer();
                TensorChannel.Writer writer = channel.write(2, MAX_PARALLELISM)) {
            producer.send(new ProducerRecord<>(topic, 0, null, null));
            producer.send(new ProducerRecord<>(topic, 0, null, "nonsense".getBytes()));
            producer.send(new ProducerRecord<>(topic, 0, null, new byte[1000]));
            producer.send(new ProducerRecord<>(
                    topic, 0, null, AnswerChunk.cut(foreign, 1, 1, encoded).get(0)));
            producer.send(new ProducerRecord<>(
                    topic, 0, null, AnswerChunk.cut(own, 1, 2, new byte[50]).get(0)));
            producer.send(new ProducerRecord<>(
                    topic,
                    0,
                    null,
                    AnswerChunk.cut(own + modelOf(0), 1, 3, encoded).get(0)));
            producer.flush();
            writer.send(answer(foreign, 3, 1));
            writer.send(answer(own, 3, 2));

            assertThat(next().version()).isEqualTo(2);
            assertThat(received).isEmpty();
            assertThat(reader.skipped()).isEqualTo(6);
        }
    }

    @Test
    void closesPromptlyAndHandsOnNothingAfterwards() throws Exception {
        TensorChannel channel = newChannel(1);
        AutoCloseable reader = channel.read(0, 1, MAX_PARALLELISM, received::add);
        Thread thread = readerThread();
        assertThat(thread.isDaemon()).isTrue();

        reader.close();

        assertThat(thread.isAlive()).isFalse();
        reader.close();
    }

    private static Thread readerThread() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().endsWith(".channel reader of subtask 0"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void refusesATopicWithTooFewPartitions() {
        TensorChannel channel = newChannel(2);

        assertThatThrownBy(() -> channel.write(4, MAX_PARALLELISM))
                .isInstanceOf(ConnectorException.class)
                .hasMessageContaining("has 2 partitions, but TRAIN has a parallelism of 4");
        assertThatThrownBy(() -> channel.read(3, 4, MAX_PARALLELISM, received::add))
                .isInstanceOf(ConnectorException.class);
    }

    @Test
    void surfacesErrorsOfTheBrokerOnALaterSend() throws Exception {
        String topic = BROKER.createTopics(1, 1).channel();
        KafkaTensorChannel channel = new KafkaTensorChannel(BROKER.settings(), topic);
        try (TensorChannel.Writer writer = channel.write(1, MAX_PARALLELISM);
                Admin admin = Admin.create(BROKER.settings().client(Map.of(), Map.of()))) {
            admin.incrementalAlterConfigs(Map.of(
                            new ConfigResource(ConfigResource.Type.TOPIC, topic),
                            List.of(new AlterConfigOp(
                                    new ConfigEntry("max.message.bytes", "1000"), AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
            await(() -> {
                try {
                    writer.send(answer("m", 100, 1));
                    return false;
                } catch (ConnectorException e) {
                    return e.getMessage().startsWith("Topic " + topic + " cannot be written: ");
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            });
        }
    }

    private static void await(BooleanSupplier condition) {
        Instant deadline = Instant.now().plus(Duration.ofSeconds(DEADLINE_SECONDS));
        while (!condition.getAsBoolean()) {
            assertThat(Instant.now()).isBefore(deadline);
            Thread.onSpinWait();
        }
    }

    private RefreshAnswer next() throws InterruptedException {
        RefreshAnswer answer = received.poll(DEADLINE_SECONDS, TimeUnit.SECONDS);
        assertThat(answer).as("an answer within the deadline").isNotNull();
        return answer;
    }

    private static TensorChannel newChannel(int partitions) {
        return new KafkaTensorChannel(
                BROKER.settings(), BROKER.createTopics(1, partitions).channel());
    }

    /** A model that belongs to this subtask of two. */
    private static String modelOf(int subtask) {
        for (int i = 0; ; i++) {
            String model = "model" + i;
            if (KeyGroupRangeAssignment.assignKeyToParallelOperator(model, MAX_PARALLELISM, 2) == subtask) {
                return model;
            }
        }
    }

    private static RefreshAnswer answer(String model, int size, long version) {
        Random random = new Random(version);
        float[] basis = new float[size * size];
        int[] permutation = new int[size];
        for (int i = 0; i < basis.length; i++) {
            basis[i] = random.nextFloat();
        }
        for (int i = 0; i < size; i++) {
            permutation[i] = size - 1 - i;
        }
        return new RefreshAnswer(
                model, 2, 1, version, "configuration", "fingerprint", true, size, basis, new float[0], permutation);
    }
}
