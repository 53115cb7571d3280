// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.example;

import io.kronstream.state.Origins;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Takes a record from Kafka as it is, tombstones included: what it means is decided where it can be rejected. */
public final class RawRecordDeserializer implements KafkaRecordDeserializationSchema<RawRecord> {
    private static final long serialVersionUID = 1;

    private final Origins origins;

    public RawRecordDeserializer(Origins origins) {
        this.origins = origins;
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> in, Collector<RawRecord> out) {
        out.collect(RawRecord.of(in, origins));
    }

    @Override
    public TypeInformation<RawRecord> getProducedType() {
        return RawRecordCodec.RAW_RECORD;
    }
}
