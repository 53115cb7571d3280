// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.ends;

import io.kronstream.connectors.Delivery;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.model.ModelRecord;
import io.kronstream.connectors.model.VersionCutter;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.PublishedModel;
import java.util.Objects;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.util.Collector;

/**
 * Turns versions of models into the records of the models topic ({@link VersionCutter}). Versions above a limit go to
 * files ({@link ReferenceFiles}), and the topic says where they are. It has no state of its own: when it starts it looks
 * at what the topic holds.
 */
public final class ModelChunks extends RichFlatMapFunction<PublishedModel, ModelRecord>
        implements CheckpointedFunction, CheckpointListener {
    private static final long serialVersionUID = 1;

    private final KafkaSettings kafka;
    private final String topic;
    private final Delivery delivery;
    private final LearnerSettings learner;
    private final long referenceAbove;
    private final String directory;

    private transient VersionCutter cutter;
    private transient ReferenceFiles files;

    /**
     * @param topic the models topic
     * @param delivery of the sink that takes the records
     * @param learner what the models are, for their manifests
     * @param referenceAbove bytes of payload above which a version goes to a file
     * @param directory URI of the files, or null to leave all versions in the topic
     */
    public ModelChunks(
            KafkaSettings kafka,
            String topic,
            Delivery delivery,
            LearnerSettings learner,
            long referenceAbove,
            String directory) {
        this.kafka = Objects.requireNonNull(kafka);
        this.topic = Objects.requireNonNull(topic);
        this.delivery = Objects.requireNonNull(delivery);
        this.learner = learner;
        this.referenceAbove = referenceAbove;
        this.directory = directory;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {
        files = directory == null ? null : new ReferenceFiles(directory);
    }

    @Override
    public void open(OpenContext context) {
        cutter = VersionCutter.of(kafka, topic, delivery, learner);
    }

    @Override
    public void flatMap(PublishedModel published, Collector<ModelRecord> out) throws Exception {
        if (published.isWithdrawal()) {
            cutter.withdraw(published.model()).forEach(out::collect);
        } else if (files != null && published.payload().length > referenceAbove) {
            cutter.refer(published, files.write(published)).forEach(out::collect);
        } else {
            cutter.cut(published).forEach(out::collect);
        }
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
        if (files != null) {
            files.snapshot(context.getCheckpointId());
        }
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) throws Exception {
        if (files != null) {
            files.completed(checkpoint);
        }
    }
}
