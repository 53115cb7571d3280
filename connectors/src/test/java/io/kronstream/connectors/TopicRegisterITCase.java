// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.state.Origins;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class TopicRegisterITCase {
    @RegisterExtension
    static final TestBroker BROKER = new TestBroker();

    @Test
    void aTopicKeepsItsPlace() {
        Topics topics = created();
        TopicRegister register = new TopicRegister(BROKER.settings(), topics);

        assertThat(register.add(List.of("b", "a"))).containsExactly("b", "a");
        assertThat(register.add(List.of("a", "0", "b"))).containsExactly("b", "a", "0");

        TopicRegister other = new TopicRegister(BROKER.settings(), topics);
        assertThat(other.place("0")).isEqualTo(2);
        assertThat(other.name(1)).isEqualTo("a");
        assertThat(other.place("c")).isEqualTo(-1);
        assertThat(other.name(3)).isNull();
    }

    @Test
    void whatIsAddedLaterIsFoundByThoseThatHaveReadBefore() {
        Topics topics = created();
        TopicRegister register = new TopicRegister(BROKER.settings(), topics);
        register.add(List.of("a"));
        TopicRegister reader = new TopicRegister(BROKER.settings(), topics);
        Origins origins = new Origins(List.of("a"), false, reader);
        assertThat(origins.number("a", 3)).isEqualTo(3);
        assertThatThrownBy(() -> origins.number("b", 3)).isInstanceOf(IllegalArgumentException.class);
        assertThat(origins.name(1 << 16)).isEqualTo("source 1");

        register.add(List.of("b"));

        assertThat(origins.number("b", 3)).isEqualTo((1 << 16) + 3);
        assertThat(origins.name((1 << 16) + 3)).isEqualTo("b");
    }

    /** As when one that was thought dead writes, too; what is no name at all takes no place. */
    @Test
    void ofSeveralRecordsOfATopicTheFirstCounts() throws Exception {
        Topics topics = created();
        try (KafkaProducer<byte[], byte[]> producer = BROKER.producer()) {
            for (String name : List.of("a", "b", "a", "", "x".repeat(250), "c", "b")) {
                producer.send(new ProducerRecord<>(topics.register(), 0, null, name.getBytes(StandardCharsets.UTF_8)))
                        .get();
            }
            producer.send(new ProducerRecord<>(topics.register(), 0, null, null))
                    .get();
        }

        assertThat(new TopicRegister(BROKER.settings(), topics).names()).containsExactly("a", "b", "c");
    }

    @Test
    void withoutARegisterThereAreNoNames() {
        Topics topics = BROKER.newTopics();

        assertThat(new TopicRegister(BROKER.settings(), topics).names()).isEmpty();
        try (TopicAdmin admin = TopicAdmin.connect(BROKER.settings())) {
            assertThat(admin.exists(topics.register())).isFalse();
        }
    }

    @Test
    void aRegisterThatForgetsIsRefused() throws Exception {
        Topics topics = BROKER.newTopics();
        try (Admin kafka = Admin.create(BROKER.settings().client(Map.of(), Map.of()));
                TopicAdmin admin = TopicAdmin.connect(BROKER.settings())) {
            kafka.createTopics(List.of(new NewTopic(topics.register(), Optional.of(1), Optional.empty())))
                    .all()
                    .get();

            assertThatThrownBy(() -> admin.ensure(topics, TopicSettings.of(1, 1), true, true))
                    .isInstanceOf(ConnectorException.class)
                    .hasMessage("Topic " + topics.register() + " would lose records, by which the job knows its topics:"
                            + " set cleanup.policy=delete, retention.ms=-1 and retention.bytes=-1");
        }
    }

    private static Topics created() {
        Topics topics = BROKER.newTopics();
        try (TopicAdmin admin = TopicAdmin.connect(BROKER.settings())) {
            admin.ensure(topics, TopicSettings.of(1, 1), false, true);
        }
        return topics;
    }
}
