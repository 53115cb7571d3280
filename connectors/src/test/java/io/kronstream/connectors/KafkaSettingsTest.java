// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class KafkaSettingsTest {

    @Test
    void neverShowsWhatMayBeASecret() {
        KafkaSettings settings = new KafkaSettings(
                "broker:9092", Map.of("sasl.jaas.config", "password=hunter2", "ssl.keystore.key", "hunter2"));

        assertThat(settings.toString())
                .isEqualTo("KafkaSettings[bootstrap=broker:9092, sasl.jaas.config=***, ssl.keystore.key=***]");
    }

    @Test
    void userPropertiesYieldOnlyToFixedOnes() {
        KafkaSettings settings = new KafkaSettings("broker:9092", Map.of("acks", "0", "linger.ms", "7"));

        Properties client = settings.client(Map.of("linger.ms", 5, "batch.size", 16), Map.of("acks", "all"));

        assertThat(client)
                .isEqualTo(Map.of(
                        "bootstrap.servers", "broker:9092", "acks", "all", "linger.ms", "7", "batch.size", "16"));
    }

    @Test
    void refusesAnEmptyAddress() {
        assertThatThrownBy(() -> KafkaSettings.of(" ")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void namesTopicsByPrefix() {
        Topics topics = new Topics("shop.clicks");

        assertThat(topics.examples()).isEqualTo("shop.clicks.examples");
        assertThat(topics.deadLetters()).isEqualTo("shop.clicks.examples.dlq");
        assertThat(topics.models()).isEqualTo("shop.clicks.models");
        assertThat(topics.scores()).isEqualTo("shop.clicks.scores");
        assertThat(topics.metrics()).isEqualTo("shop.clicks.metrics");
        assertThat(topics.channel()).isEqualTo("shop.clicks.channel");
        assertThatThrownBy(() -> new Topics("my clicks")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Topics("")).isInstanceOf(IllegalArgumentException.class);
    }
}
