// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import io.kronstream.connectors.Position;
import io.kronstream.connectors.channel.KafkaTensorChannel;
import io.kronstream.connectors.ends.JournalChunks;
import io.kronstream.connectors.ends.KafkaEnds;
import io.kronstream.connectors.ends.ModelChunks;
import io.kronstream.connectors.ends.ModelRecordCodec;
import io.kronstream.connectors.example.DecodeFunction;
import io.kronstream.connectors.example.ExampleDecoder;
import io.kronstream.connectors.example.RawRecord;
import io.kronstream.connectors.example.RawRecordCodec;
import io.kronstream.connectors.file.AvroFileSchemas;
import io.kronstream.connectors.file.FileLines;
import io.kronstream.connectors.file.FileRecords;
import io.kronstream.connectors.format.AvroFormat;
import io.kronstream.connectors.format.FormatSettings;
import io.kronstream.connectors.format.RowFormat;
import io.kronstream.connectors.model.ModelRecord;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Mode;
import io.kronstream.operators.EigenRefreshFunction;
import io.kronstream.operators.EvaluateOperatorFactory;
import io.kronstream.operators.OperatorUids;
import io.kronstream.operators.RefreshPlan;
import io.kronstream.operators.TrainOperatorFactory;
import io.kronstream.state.DeadLetter;
import io.kronstream.state.DelayedChannel;
import io.kronstream.state.KronstreamTypes;
import io.kronstream.state.LocalChannel;
import io.kronstream.state.ModelScore;
import io.kronstream.state.TensorChannel;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamUtils;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * The graph of the job.
 *
 * <pre>
 * examples -> decode -> [model] TRAIN ----+-> scores
 *               |          ^              +-> EVALUATE -> metrics
 *               |          |              +-> model chunks
 *               |          |              +-> refresh requests -> [model/layer/side] EIGEN-REFRESH
 *               |          +---------------- the channel: in memory, or a topic --------+
 *               +-> dead letters <- TRAIN
 * </pre>
 */
public final class TrainingJob {
    /** Requests must not wait in half-empty network buffers: a model may be waiting for the answer. */
    private static final Duration BUFFER_TIMEOUT = Duration.ofMillis(5);

    /** RocksDB's, by level: tensors are floats, which do not get smaller, and a checkpoint waits for the attempt. */
    private static final String COMPRESSION = "state.backend.rocksdb.compression.per.level";

    private TrainingJob() {}

    /** Flink's settings of a job. They must go with the job: those of a cluster do not apply to it. */
    public static Configuration configuration(JobSettings settings) {
        Configuration configuration = new Configuration();
        configuration.set(PipelineOptions.NAME, settings.name());
        configuration.set(PipelineOptions.GENERIC_TYPES, false);
        configuration.set(PipelineOptions.AUTO_GENERATE_UIDS, false);
        configuration.set(PipelineOptions.MAX_PARALLELISM, settings.maxParallelism());
        // Everything that travels is immutable, so chained operators may share it.
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        configuration.set(CoreOptions.DEFAULT_PARALLELISM, settings.parallelism());
        configuration.set(ExecutionOptions.BUFFER_TIMEOUT, BUFFER_TIMEOUT);
        configuration.set(StateBackendOptions.STATE_BACKEND, settings.backend().toString());
        if (settings.backend() == Backend.ROCKSDB) {
            configuration.setString(COMPRESSION, "NO_COMPRESSION");
            configuration.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
        }
        configuration.set(
                CheckpointingOptions.CHECKPOINTING_INTERVAL,
                Duration.ofMillis(settings.checkpoints().intervalMillis()));
        configuration.set(
                CheckpointingOptions.CHECKPOINTING_TIMEOUT,
                Duration.ofMillis(settings.checkpoints().timeoutMillis()));
        // Requests must not wait behind barriers either.
        configuration.set(CheckpointingOptions.ENABLE_UNALIGNED, true);
        configuration.set(
                CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        if (settings.checkpoints().directory() != null) {
            configuration.set(
                    CheckpointingOptions.CHECKPOINTS_DIRECTORY,
                    settings.checkpoints().directory());
            configuration.set(
                    CheckpointingOptions.SAVEPOINT_DIRECTORY,
                    settings.checkpoints().directory());
        }
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
        configuration.set(
                RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS,
                settings.restarts().attempts());
        configuration.set(
                RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY,
                Duration.ofMillis(settings.restarts().delayMillis()));
        return configuration;
    }

    /**
     * Adds the job to an environment.
     *
     * @param weightsOnly whether restored models may be another optimizer's: see {@link StartFrom}
     * @param stopAt for each partition of the examples topic the offset to stop before, or null for an endless job
     */
    public static void build(
            StreamExecutionEnvironment env, JobSettings settings, boolean weightsOnly, Map<Integer, Long> stopAt) {
        TensorChannel channel = channel(settings);

        DataStream<RawRecord> records = records(env, settings, stopAt);

        SingleOutputStreamOperator<Example> examples = records.process(new DecodeFunction(
                        decoder(settings),
                        settings.input().maxRejectedShare(),
                        settings.input().rejectedWindow()))
                .returns(KronstreamTypes.EXAMPLE)
                .name("Decode")
                .uid(OperatorUids.DECODE)
                .setParallelism(records.getParallelism()); // or the order of the records would be lost

        SingleOutputStreamOperator<ModelScore> scores = examples.keyBy(Example::model, Types.STRING)
                .transform(
                        "Train",
                        KronstreamTypes.MODEL_SCORE,
                        new TrainOperatorFactory(settings.train(), channel, weightsOnly))
                .uid(OperatorUids.TRAIN);

        scores.getSideOutput(TrainOperatorFactory.REFRESHES)
                .keyBy(
                        new RefreshPlan(settings.learner(), settings.parallelism(), settings.maxParallelism()),
                        Types.STRING)
                .process(new EigenRefreshFunction(channel, settings.parallelism(), settings.maxParallelism()))
                .returns(Types.VOID)
                .name("Refresh eigenbases")
                .uid(OperatorUids.EIGEN_REFRESH)
                .sinkTo(new DiscardingSink<>())
                .name("Answers have left through the channel")
                .uid(OperatorUids.EIGEN_REFRESH_END);

        scores.sinkTo(KafkaEnds.scores(
                        settings.kafka(), settings.topics(), settings.delivery(), settings.transactionTimeout()))
                .name("Scores to Kafka")
                .uid(OperatorUids.SCORES_SINK);

        if (settings.metricsWindowMillis() > 0) {
            // TRAIN's output is keyed as its input: each model's scores stay in the subtask that made them.
            DataStreamUtils.reinterpretAsKeyedStream(scores, ModelScore::model, Types.STRING)
                    .transform(
                            "Evaluate",
                            KronstreamTypes.WINDOW_METRICS,
                            new EvaluateOperatorFactory(settings.learner(), settings.metricsWindowMillis()))
                    .uid(OperatorUids.EVALUATE)
                    .sinkTo(KafkaEnds.metrics(
                            settings.kafka(), settings.topics(), settings.delivery(), settings.transactionTimeout()))
                    .name("Metrics to Kafka")
                    .uid(OperatorUids.METRICS_SINK);
        }

        DataStream<ModelRecord> chunks = scores.getSideOutput(TrainOperatorFactory.MODELS)
                .flatMap(new ModelChunks(
                        settings.kafka(),
                        settings.topics().models(),
                        settings.delivery(),
                        settings.learner(),
                        settings.modelFiles().above(),
                        settings.modelFiles().directory()))
                .returns(ModelRecordCodec.MODEL_RECORD)
                .name("Cut models into chunks")
                .uid(OperatorUids.MODEL_CHUNKS);
        chunks.sinkTo(KafkaEnds.models(
                        settings.kafka(), settings.topics(), settings.delivery(), settings.transactionTimeout()))
                .name("Models to Kafka")
                .uid(OperatorUids.MODELS_SINK);

        if (settings.learner().mode() == Mode.ARRIVAL) {
            scores.getSideOutput(TrainOperatorFactory.MODELS)
                    .flatMap(new JournalChunks())
                    .returns(ModelRecordCodec.MODEL_RECORD)
                    .name("Cut journals into chunks")
                    .uid(OperatorUids.JOURNAL_CHUNKS)
                    .sinkTo(KafkaEnds.journal(
                            settings.kafka(), settings.topics(), settings.delivery(), settings.transactionTimeout()))
                    .name("Journals to Kafka")
                    .uid(OperatorUids.JOURNAL_SINK);
        }

        DataStream<DeadLetter> deadLetters = examples.getSideOutput(DecodeFunction.DEAD_LETTERS)
                .union(scores.getSideOutput(TrainOperatorFactory.DEAD_LETTERS));
        deadLetters
                .sinkTo(KafkaEnds.deadLetters(
                        settings.kafka(), settings.topics(), settings.delivery(), settings.transactionTimeout()))
                .name("Dead letters to Kafka")
                .uid(OperatorUids.DEAD_LETTERS_SINK);
    }

    private static DataStream<RawRecord> records(
            StreamExecutionEnvironment env, JobSettings settings, Map<Integer, Long> stopAt) {
        JobSettings.Source source = settings.input().source();
        if (source.sql() != null) {
            return TableRecords.of(env, source.sql(), settings.learner().schema());
        }
        if (!source.files().isEmpty()) {
            return env.fromSource(
                            new FileRecords(files(settings)),
                            WatermarkStrategy.noWatermarks(),
                            "Examples from files",
                            RawRecordCodec.RAW_RECORD)
                    .uid(OperatorUids.SOURCE)
                    .setParallelism(1);
        }
        return env.fromSource(
                        KafkaEnds.examples(
                                settings.kafka(),
                                settings.topics(),
                                settings.origins(),
                                source.pattern() == null ? null : Pattern.compile(source.pattern()),
                                source.start(),
                                stopAt == null ? source.end() : Position.before(stopAt)),
                        WatermarkStrategy.noWatermarks(),
                        "Examples from Kafka")
                .uid(OperatorUids.SOURCE);
    }

    /** The files of a job that reads files. */
    public static FileLines.Files files(JobSettings settings) {
        DataSchema schema = settings.learner().schema();
        return new FileLines.Files(
                settings.input().source().files(),
                settings.input().format().name() == FormatSettings.Name.CSV ? schema.columns() : null,
                settings.input().format().name() == FormatSettings.Name.AVRO,
                schema.time() != null);
    }

    /** What turns the job's records into examples; the oracle uses the same. */
    public static ExampleDecoder decoder(JobSettings settings) {
        JobSettings.Source source = settings.input().source();
        RowFormat format;
        if (source.sql() != null) {
            format = FormatSettings.of(FormatSettings.Name.JSON).format(); // which the rows of a table are turned into
        } else if (!source.files().isEmpty() && settings.input().format().name() == FormatSettings.Name.AVRO) {
            format = AvroFormat.ofSchemas(new AvroFileSchemas(source.files()));
        } else {
            format = settings.input().format().format();
        }
        return new ExampleDecoder(format, settings.learner().schema(), settings.model());
    }

    private static TensorChannel channel(JobSettings settings) {
        String topic = settings.topics().channel();
        TensorChannel channel = new LocalChannel(
                settings.kafka().bootstrap() + '/' + topic, new KafkaTensorChannel(settings.kafka(), topic));
        JobSettings.Refresh refresh = settings.refresh();
        return refresh.delayMillis() == 0
                ? channel
                : new DelayedChannel(channel, refresh.delayMillis(), refresh.delaySeed(), refresh.delayModel());
    }
}
