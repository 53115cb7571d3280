// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class TopicAdminITCase {
    @RegisterExtension
    static final TestBroker BROKER = new TestBroker();

    @Test
    void createsTheTopicsOnce() {
        Topics topics = BROKER.newTopics();
        try (TopicAdmin admin = TopicAdmin.connect(BROKER.settings())) {
            assertThat(admin.exists(topics.examples())).isFalse();

            admin.ensure(topics, TopicSettings.of(3, 2));
            admin.ensure(topics, TopicSettings.of(5, 2));

            assertThat(admin.exists(topics.examples())).isTrue();
            assertThat(admin.partitions(topics.examples())).isEqualTo(3);
            assertThat(admin.partitions(topics.metrics())).isEqualTo(1);
            assertThat(admin.partitions(topics.models())).isEqualTo(3);
            assertThat(admin.partitions(topics.scores())).isEqualTo(3);
            assertThat(admin.partitions(topics.deadLetters())).isEqualTo(1);
            assertThat(admin.partitions(topics.channel())).isEqualTo(2);
        }
    }

    @Test
    void givesTheChannelMorePartitionsWhenTrainGrows() {
        Topics topics = BROKER.createTopics(1, 2);
        try (TopicAdmin admin = TopicAdmin.connect(BROKER.settings())) {
            admin.ensure(topics, TopicSettings.of(1, 4));

            assertThat(admin.partitions(topics.channel())).isEqualTo(4);
            assertThat(admin.partitions(topics.examples())).isEqualTo(1);
        }
    }

    @Test
    void compactsModelsAndKeepsExamples() throws Exception {
        Topics topics = BROKER.createTopics(1, 1);
        try (Admin admin = Admin.create(BROKER.settings().client(Map.of(), Map.of()))) {
            assertThat(config(admin, topics.models(), "cleanup.policy")).isEqualTo("compact");
            assertThat(config(admin, topics.models(), "max.message.bytes")).isEqualTo("1048576");
            assertThat(config(admin, topics.examples(), "retention.ms")).isEqualTo("-1");
            assertThat(config(admin, topics.channel(), "retention.ms")).isEqualTo("600000");
        }
    }

    @Test
    void refusesAModelsTopicThatForgets() throws Exception {
        Topics topics = BROKER.newTopics();
        try (Admin kafka = Admin.create(BROKER.settings().client(Map.of(), Map.of()));
                TopicAdmin admin = TopicAdmin.connect(BROKER.settings())) {
            kafka.createTopics(List.of(new NewTopic(topics.models(), Optional.of(1), Optional.empty())))
                    .all()
                    .get();

            assertThatThrownBy(() -> admin.ensure(topics, TopicSettings.of(1, 1)))
                    .isInstanceOf(ConnectorException.class)
                    .hasMessage("Topic " + topics.models()
                            + " has cleanup.policy=delete, under which models would expire: set it to compact");
        }
    }

    @Test
    void describesOffsets() throws Exception {
        Topics topics = BROKER.createTopics(3, 1);
        try (KafkaProducer<byte[], byte[]> producer = BROKER.producer()) {
            producer.send(new ProducerRecord<>(topics.examples(), 1, null, new byte[1]))
                    .get();
            producer.send(new ProducerRecord<>(topics.examples(), 1, null, new byte[1]))
                    .get();
        }
        try (TopicAdmin admin = TopicAdmin.connect(BROKER.settings())) {
            assertThat(admin.endOffsets(topics.examples())).isEqualTo(Map.of(0, 0L, 1, 2L, 2, 0L));
            assertThat(admin.startOffsets(topics.examples())).isEqualTo(Map.of(0, 0L, 1, 0L, 2, 0L));
            assertThat(admin.maxTransactionTimeout()).isEqualTo(900_000);
            assertThatThrownBy(() -> admin.endOffsets("nowhere"))
                    .isInstanceOf(ConnectorException.class)
                    .hasMessageStartingWith("Topic nowhere does not exist on Kafka at localhost:");
        }
    }

    @Test
    void saysInOneSentenceThatNoBrokerIsThere() {
        String address = "localhost:" + TestBroker.freePort();

        assertThatThrownBy(() -> TopicAdmin.connect(KafkaSettings.of(address)))
                .isInstanceOf(ConnectorException.class)
                .hasMessage("Kafka at " + address + " did not answer: check the address and that the broker runs")
                .hasNoCause();
        assertThatThrownBy(() -> TopicAdmin.connect(KafkaSettings.of("nonsense")))
                .isInstanceOf(ConnectorException.class)
                .hasMessageStartingWith("Kafka cannot be reached at nonsense: ");
    }

    private static String config(Admin admin, String topic, String name) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        return admin.describeConfigs(List.of(resource))
                .all()
                .get()
                .get(resource)
                .get(name)
                .value();
    }
}
