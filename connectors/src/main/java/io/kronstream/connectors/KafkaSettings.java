// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors;

import java.io.Serializable;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.CommonClientConfigs;

/**
 * How to reach a Kafka cluster.
 *
 * @param bootstrap {@code host:port}, or several with commas between them
 * @param properties client properties passed through to every consumer, producer and admin client, for example those of
 *     TLS and SASL; they may hold secrets, so their values are never part of a message or of {@link #toString()}
 */
public record KafkaSettings(String bootstrap, Map<String, String> properties) implements Serializable {

    public KafkaSettings {
        if (bootstrap.isBlank()) {
            throw new IllegalArgumentException("The Kafka bootstrap address must be host:port, was empty");
        }
        properties = new TreeMap<>(properties);
    }

    public static KafkaSettings of(String bootstrap) {
        return new KafkaSettings(bootstrap, Map.of());
    }

    /** The same client properties for the cluster at another address. */
    public KafkaSettings at(String otherBootstrap) {
        return new KafkaSettings(otherBootstrap, properties);
    }

    /**
     * A fresh set of client properties.
     *
     * @param defaults what the caller needs unless the user's properties say otherwise
     * @param fixed what the caller needs whatever the user's properties say
     */
    public Properties client(Map<String, ?> defaults, Map<String, ?> fixed) {
        Properties client = new Properties();
        defaults.forEach((key, value) -> client.setProperty(key, value.toString()));
        client.putAll(properties);
        fixed.forEach((key, value) -> client.setProperty(key, value.toString()));
        client.setProperty(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        return client;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("KafkaSettings[bootstrap=").append(bootstrap);
        properties.keySet().forEach(key -> text.append(", ").append(key).append("=***"));
        return text.append(']').toString();
    }
}
