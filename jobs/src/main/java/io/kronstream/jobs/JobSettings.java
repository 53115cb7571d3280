// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import io.kronstream.connectors.Delivery;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.Position;
import io.kronstream.connectors.TopicRegister;
import io.kronstream.connectors.Topics;
import io.kronstream.connectors.format.FormatSettings;
import io.kronstream.learner.DataSchema;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Mode;
import io.kronstream.learner.NetworkSettings;
import io.kronstream.learner.RefreshPolicy;
import io.kronstream.network.LayerSpec;
import io.kronstream.operators.RefreshMode;
import io.kronstream.operators.TrainSettings;
import io.kronstream.optimizers.OptimizerSettings;
import io.kronstream.optimizers.Optimizers;
import io.kronstream.state.Origins;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;

/**
 * A validated job.
 *
 * @param name of the job in the dashboard
 * @param kafka the brokers
 * @param topics its topics
 * @param input what the records are and what becomes of bad ones
 * @param model id of the model when the schema names no key column
 * @param learner what each model does with its stream
 * @param publishEvery steps between two published versions
 * @param modelFiles where large models go
 * @param clock what the clock triggers, in arrival mode
 * @param refresh where and how bases are refreshed
 * @param cacheBytes bytes of models, per subtask, that stay in memory
 * @param backend what keeps the state
 * @param metricsWindowMillis length of the windows that metrics are taken over; 0 for no metrics
 * @param parallelism subtasks of every operator
 * @param maxParallelism most subtasks it can ever be rescaled to
 * @param checkpoints when and where to
 * @param delivery how results go out
 * @param restarts what happens after a failure
 */
public record JobSettings(
        String name,
        KafkaSettings kafka,
        Topics topics,
        Input input,
        String model,
        LearnerSettings learner,
        long publishEvery,
        ModelFiles modelFiles,
        TrainSettings.Clock clock,
        Refresh refresh,
        long cacheBytes,
        Backend backend,
        long metricsWindowMillis,
        int parallelism,
        int maxParallelism,
        Checkpoints checkpoints,
        Delivery delivery,
        Restarts restarts) {

    /**
     * @param above bytes of a model above which it goes to a file
     * @param directory URI of the files, or null for none
     */
    public record ModelFiles(long above, String directory) {}

    /**
     * @param format how values hold rows
     * @param source where they come from
     * @param maxRejectedShare share of rejected records above which the job stops; 1 for never
     * @param rejectedWindow records, per subtask, over which it is taken
     */
    public record Input(FormatSettings format, Source source, double maxRejectedShare, long rejectedWindow) {}

    /**
     * Topics, files or a table.
     *
     * @param topics to read, empty for the job's own
     * @param pattern regular expression of further topics, or null
     * @param start where a job without state begins to read topics
     * @param end where it ends
     * @param files files and directories to read in place of topics; empty for none
     * @param sql the statement that creates the table to read in place of topics, or null
     */
    public record Source(
            List<String> topics, String pattern, Position start, Position end, List<String> files, String sql) {
        /** The job's own topic from its beginning, without an end. */
        public static final Source DEFAULT =
                new Source(List.of(), null, Position.EARLIEST, Position.NEVER, List.of(), null);

        public Source {
            topics = List.copyOf(topics);
            files = List.copyOf(files);
        }

        /** Whether records come from Kafka. */
        public boolean isKafka() {
            return files.isEmpty() && sql == null;
        }

        /** Whether records come from the job's own topic, which is created where it is missing. */
        public boolean isOwnTopic() {
            return isKafka() && topics.isEmpty() && pattern == null;
        }
    }

    /**
     * @param mode where the work is done
     * @param deadlineMillis how long a model waits for an answer
     * @param parkedBytes bytes of records, per subtask, that may wait
     * @param delayMillis fault injection: most milliseconds an answer is held back; 0 for none
     * @param delaySeed fault injection: seed of the delays
     * @param delayModel fault injection: the one model concerned, or null for all
     */
    public record Refresh(
            RefreshMode mode,
            long deadlineMillis,
            long parkedBytes,
            long delayMillis,
            long delaySeed,
            String delayModel) {}

    /**
     * @param intervalMillis between two checkpoints
     * @param timeoutMillis after which one is given up
     * @param directory URI, or null to let a local run choose
     */
    public record Checkpoints(long intervalMillis, long timeoutMillis, String directory) {}

    /**
     * @param attempts failures after which the job gives up
     * @param delayMillis pause before a restart
     */
    public record Restarts(int attempts, long delayMillis) {}

    /**
     * The settings that these values give.
     *
     * @param source named in messages
     * @param values by option key
     * @param schema what the records' columns mean
     * @throws InvalidSettingsException with everything that is wrong
     */
    public static JobSettings of(String source, Map<String, String> values, DataSchema schema) {
        Values read = new Values(values);
        OptimizerSettings optimizer = read.optimizer(values);
        LearnerSettings learner = new LearnerSettings(
                schema,
                read.network(),
                optimizer,
                read.get(JobOptions.BATCH_SIZE),
                read.get(JobOptions.BATCH_INTERVAL).toMillis(),
                read.get(JobOptions.REFRESH_LAG, LearnerSettings.defaultLag(optimizer)),
                read.get(JobOptions.SEED),
                read.get(JobOptions.MODE),
                new RefreshPolicy(read.get(JobOptions.REFRESH_TOLERANCE), read.get(JobOptions.REFRESH_STAGGER)));
        JobSettings settings = new JobSettings(
                read.get(JobOptions.JOB_NAME),
                new KafkaSettings(read.bootstrap(), new TreeMap<>(read.get(JobOptions.KAFKA_PROPERTIES))),
                read.topics(),
                new Input(
                        new FormatSettings(
                                read.get(JobOptions.FORMAT),
                                read.get(JobOptions.AVRO_SCHEMA, null),
                                read.get(JobOptions.REGISTRY, null),
                                read.get(JobOptions.REGISTRY_TIMEOUT).toMillis()),
                        new Source(
                                read.get(JobOptions.EXAMPLE_TOPICS, List.of()),
                                read.get(JobOptions.TOPIC_PATTERN, null),
                                read.position(JobOptions.START),
                                read.position(JobOptions.END),
                                read.get(JobOptions.SOURCE_FILE, List.of()),
                                read.get(JobOptions.SOURCE_SQL, null)),
                        read.get(JobOptions.MAX_REJECTED_SHARE),
                        read.get(JobOptions.REJECTED_WINDOW)),
                read.get(JobOptions.MODEL),
                learner,
                read.get(JobOptions.PUBLISH_EVERY),
                new ModelFiles(
                        read.get(JobOptions.MODEL_FILES_ABOVE).getBytes(),
                        read.get(JobOptions.MODEL_FILES_DIRECTORY, null)),
                read.clock(),
                new Refresh(
                        read.get(JobOptions.REFRESH_MODE),
                        read.get(JobOptions.REFRESH_DEADLINE).toMillis(),
                        read.get(JobOptions.REFRESH_PARKED).getBytes(),
                        read.get(JobOptions.REFRESH_DELAY).toMillis(),
                        read.get(JobOptions.REFRESH_DELAY_SEED),
                        read.get(JobOptions.REFRESH_DELAY_MODEL, null)),
                read.get(JobOptions.CACHE).getBytes(),
                read.get(JobOptions.BACKEND),
                read.get(JobOptions.METRICS_WINDOW).toMillis(),
                read.get(JobOptions.PARALLELISM),
                read.get(JobOptions.MAX_PARALLELISM),
                new Checkpoints(
                        read.get(JobOptions.CHECKPOINT_INTERVAL).toMillis(),
                        read.get(JobOptions.CHECKPOINT_TIMEOUT).toMillis(),
                        read.get(JobOptions.CHECKPOINT_DIRECTORY, null)),
                read.get(JobOptions.DELIVERY),
                new Restarts(
                        read.get(JobOptions.RESTART_ATTEMPTS),
                        read.get(JobOptions.RESTART_DELAY).toMillis()));
        List<String> problems = new ArrayList<>(read.problems);
        problems.addAll(settings.problems());
        if (!problems.isEmpty()) {
            throw new InvalidSettingsException(source, problems);
        }
        return settings;
    }

    /** The part of the settings that TRAIN needs. */
    public TrainSettings train() {
        return new TrainSettings(
                learner,
                refresh.mode,
                publishEvery,
                refresh.deadlineMillis,
                refresh.parkedBytes,
                cacheBytes,
                origins(),
                clock);
    }

    /** What the partition numbers of examples stand for. */
    public Origins origins() {
        Source source = input.source;
        if (source.isKafka()) {
            return new Origins(
                    source.topics.isEmpty() ? List.of(topics.examples()) : source.topics,
                    false,
                    source.pattern == null ? null : new TopicRegister(kafka, topics));
        }
        return new Origins(source.sql == null ? source.files : List.of("sql"), true);
    }

    /**
     * How long a transaction of the sinks may stay open: from its start to the end of the checkpoint that commits it, over
     * as many restarts as the job makes.
     */
    public Duration transactionTimeout() {
        return Duration.ofMillis(
                checkpoints.intervalMillis + checkpoints.timeoutMillis + restarts.attempts * restarts.delayMillis);
    }

    /** The part of a topic's records that counts: with transactions only those that were committed. */
    public boolean committedOnly() {
        return delivery == Delivery.EXACTLY_ONCE;
    }

    /** The same job on other brokers. */
    public JobSettings withKafka(KafkaSettings kafka) {
        return with(kafka, input, checkpoints);
    }

    /** The same job with another source. */
    public JobSettings withSource(Source source) {
        return with(kafka, new Input(input.format, source, input.maxRejectedShare, input.rejectedWindow), checkpoints);
    }

    /** The same job with its checkpoints elsewhere. */
    public JobSettings withCheckpointDirectory(URI directory) {
        return with(
                kafka,
                input,
                new Checkpoints(checkpoints.intervalMillis, checkpoints.timeoutMillis, directory.toString()));
    }

    private JobSettings with(KafkaSettings kafka, Input input, Checkpoints checkpoints) {
        return new JobSettings(
                name,
                kafka,
                topics,
                input,
                model,
                learner,
                publishEvery,
                modelFiles,
                clock,
                refresh,
                cacheBytes,
                backend,
                metricsWindowMillis,
                parallelism,
                maxParallelism,
                checkpoints,
                delivery,
                restarts);
    }

    /** The values that {@link #of} reads back to equal settings. */
    public Map<String, String> values() {
        OptimizerSettings optimizer = learner.optimizer();
        Map<String, String> values = new TreeMap<>();
        values.put(JobOptions.JOB_NAME.key(), name);
        values.put(JobOptions.KAFKA_BOOTSTRAP.key(), kafka.bootstrap());
        kafka.properties().forEach((key, value) -> values.put(JobOptions.KAFKA_PROPERTIES.key() + "." + key, value));
        values.put(JobOptions.TOPIC_PREFIX.key(), topics.prefix());
        values.put(JobOptions.DELIVERY.key(), text(delivery));
        values.put(JobOptions.FORMAT.key(), text(input.format.name()));
        if (input.format.avroSchema() != null) {
            values.put(JobOptions.AVRO_SCHEMA.key(), input.format.avroSchema());
        }
        if (input.format.registry() != null) {
            values.put(JobOptions.REGISTRY.key(), input.format.registry());
        }
        values.put(JobOptions.REGISTRY_TIMEOUT.key(), input.format.registryTimeout() + " ms");
        putList(JobOptions.EXAMPLE_TOPICS, input.source.topics, values);
        if (input.source.pattern != null) {
            values.put(JobOptions.TOPIC_PATTERN.key(), input.source.pattern);
        }
        values.put(JobOptions.START.key(), input.source.start.text());
        values.put(JobOptions.END.key(), input.source.end.text());
        putList(JobOptions.SOURCE_FILE, input.source.files, values);
        if (input.source.sql != null) {
            values.put(JobOptions.SOURCE_SQL.key(), input.source.sql);
        }
        values.put(JobOptions.MAX_REJECTED_SHARE.key(), Double.toString(input.maxRejectedShare));
        values.put(JobOptions.REJECTED_WINDOW.key(), Long.toString(input.rejectedWindow));
        values.put(JobOptions.MODEL.key(), model);
        NetworkSettings network = learner.network();
        values.put(JobOptions.LAYERS.key(), network.text());
        values.put(JobOptions.LOSS.key(), text(network.objective()));
        values.put(JobOptions.QUANTILE.key(), Double.toString(network.level()));
        values.put(JobOptions.ROW_METHOD.key(), text(network.rowMethod()));
        values.put(JobOptions.ROW_RATE.key(), Double.toString(network.rowRate()));
        values.put(JobOptions.VECTOR_RATE.key(), Double.toString(network.vectorRate()));
        values.put(JobOptions.SEED.key(), Long.toString(learner.seed()));
        values.put(JobOptions.PUBLISH_EVERY.key(), Long.toString(publishEvery));
        values.put(JobOptions.MODEL_FILES_ABOVE.key(), modelFiles.above + " b");
        if (modelFiles.directory != null) {
            values.put(JobOptions.MODEL_FILES_DIRECTORY.key(), modelFiles.directory);
        }
        values.put(JobOptions.BATCH_SIZE.key(), Integer.toString(learner.batch()));
        values.put(JobOptions.BATCH_INTERVAL.key(), learner.batchInterval() + " ms");
        values.put(JobOptions.MODE.key(), text(learner.mode()));
        values.put(JobOptions.BATCH_MAX_WAIT.key(), clock.batchMaxWaitMillis() + " ms");
        values.put(JobOptions.PUBLISH_INTERVAL.key(), clock.publishMillis() + " ms");
        values.put(
                JobOptions.REFRESH_TOLERANCE.key(),
                Double.toString(learner.refresh().tolerance()));
        values.put(
                JobOptions.REFRESH_STAGGER.key(),
                Boolean.toString(learner.refresh().stagger()));
        values.put(JobOptions.OPTIMIZER.key(), optimizer.name());
        Optimizers.knobs(optimizer.name())
                .forEach(knob -> values.put(
                        JobOptions.keyOf(knob.name()), optimizer.values().get(knob.name())));
        values.put(JobOptions.REFRESH_MODE.key(), text(refresh.mode));
        values.put(JobOptions.REFRESH_LAG.key(), Integer.toString(learner.lag()));
        values.put(JobOptions.REFRESH_DEADLINE.key(), refresh.deadlineMillis + " ms");
        values.put(JobOptions.REFRESH_PARKED.key(), refresh.parkedBytes + " b");
        values.put(JobOptions.REFRESH_DELAY.key(), refresh.delayMillis + " ms");
        values.put(JobOptions.REFRESH_DELAY_SEED.key(), Long.toString(refresh.delaySeed));
        if (refresh.delayModel != null) {
            values.put(JobOptions.REFRESH_DELAY_MODEL.key(), refresh.delayModel);
        }
        values.put(JobOptions.CACHE.key(), cacheBytes + " b");
        values.put(JobOptions.BACKEND.key(), backend.toString());
        values.put(JobOptions.METRICS_WINDOW.key(), metricsWindowMillis + " ms");
        values.put(JobOptions.PARALLELISM.key(), Integer.toString(parallelism));
        values.put(JobOptions.MAX_PARALLELISM.key(), Integer.toString(maxParallelism));
        values.put(JobOptions.CHECKPOINT_INTERVAL.key(), checkpoints.intervalMillis + " ms");
        values.put(JobOptions.CHECKPOINT_TIMEOUT.key(), checkpoints.timeoutMillis + " ms");
        if (checkpoints.directory != null) {
            values.put(JobOptions.CHECKPOINT_DIRECTORY.key(), checkpoints.directory);
        }
        values.put(JobOptions.RESTART_ATTEMPTS.key(), Integer.toString(restarts.attempts));
        values.put(JobOptions.RESTART_DELAY.key(), restarts.delayMillis + " ms");
        return values;
    }

    private static void putList(ConfigOption<List<String>> option, List<String> list, Map<String, String> values) {
        if (!list.isEmpty()) {
            values.put(option.key(), text(option, list));
        }
    }

    /** A list as the text of an option. */
    static String text(ConfigOption<List<String>> option, List<String> list) {
        Configuration one = new Configuration();
        one.set(option, list);
        return one.toMap().get(option.key());
    }

    private void checkSource(List<String> problems) {
        Source source = input.source;
        boolean topicsNamed = !source.topics.isEmpty() || source.pattern != null;
        if ((topicsNamed ? 1 : 0) + (source.files.isEmpty() ? 0 : 1) + (source.sql == null ? 0 : 1) > 1) {
            problems.add("topics, '" + JobOptions.SOURCE_FILE.key() + "' and '" + JobOptions.SOURCE_SQL.key()
                    + "' exclude each other: a job has one source");
            return;
        }
        if (!source.isKafka()) {
            if (!source.start.equals(Position.EARLIEST) || !source.end.equals(Position.NEVER)) {
                problems.add("'" + JobOptions.START.key() + "' and '" + JobOptions.END.key()
                        + "' are of topics: files and tables are read from their beginning to their end");
            }
            if (input.format.name() == FormatSettings.Name.AVRO && source.sql != null) {
                problems.add("'" + JobOptions.FORMAT.key() + "' cannot be 'avro' where a table is read");
            }
            return;
        }
        if (source.start.kind() == Position.Kind.NEVER) {
            problems.add("'" + JobOptions.START.key() + "' must be " + Position.FORMS);
        }
        if (source.end.kind() == Position.Kind.EARLIEST || source.end.kind() == Position.Kind.COMMITTED) {
            problems.add("'" + JobOptions.END.key() + "' must be 'never', 'latest', a timestamp or offsets");
        }
        if (source.pattern == null) {
            checkOffsets(JobOptions.START, source.start, problems);
            checkOffsets(JobOptions.END, source.end, problems);
        } else {
            try {
                Pattern.compile(source.pattern);
            } catch (PatternSyntaxException e) {
                problems.add(
                        "'" + JobOptions.TOPIC_PATTERN.key() + "' is no regular expression: " + e.getDescription());
            }
        }
    }

    private void checkOffsets(ConfigOption<?> option, Position position, List<String> problems) {
        List<String> names = origins().names();
        for (String partition : position.offsets().keySet()) {
            int colon = partition.indexOf(':');
            if (colon < 0 ? names.size() > 1 : !names.contains(partition.substring(0, colon))) {
                problems.add("'" + option.key() + "' names partition " + partition + ", which must be one of "
                        + String.join(", ", names));
            }
        }
    }

    private List<String> problems() {
        List<String> problems = new ArrayList<>(learner.problems());
        checkSource(problems);
        for (String problem : input.source.files.isEmpty() ? input.format.problems() : input.format.problemsOfFiles()) {
            problems.add("'" + JobOptions.FORMAT.key() + "': " + problem);
        }
        if (!(input.maxRejectedShare >= 0 && input.maxRejectedShare <= 1)) {
            problems.add(
                    "'" + JobOptions.MAX_REJECTED_SHARE.key() + "' must lie in [0, 1], was " + input.maxRejectedShare);
        }
        atLeast(1, input.rejectedWindow, JobOptions.REJECTED_WINDOW, problems);
        if (model.isBlank()) {
            problems.add("'" + JobOptions.MODEL.key() + "' must not be empty");
        }
        atLeast(1, publishEvery, JobOptions.PUBLISH_EVERY, problems);
        atLeast(0, metricsWindowMillis, JobOptions.METRICS_WINDOW, problems);
        atLeast(0, modelFiles.above, JobOptions.MODEL_FILES_ABOVE, problems);
        if (learner.mode() == Mode.ORDERED) {
            notByTheClock(clock.batchMaxWaitMillis(), JobOptions.BATCH_MAX_WAIT, problems);
            notByTheClock(clock.publishMillis(), JobOptions.PUBLISH_INTERVAL, problems);
        }
        atLeast(1, refresh.deadlineMillis, JobOptions.REFRESH_DEADLINE, problems);
        atLeast(1, refresh.parkedBytes, JobOptions.REFRESH_PARKED, problems);
        atLeast(0, refresh.delayMillis, JobOptions.REFRESH_DELAY, problems);
        atLeast(1, cacheBytes, JobOptions.CACHE, problems);
        atLeast(1, parallelism, JobOptions.PARALLELISM, problems);
        atLeast(10, checkpoints.intervalMillis, JobOptions.CHECKPOINT_INTERVAL, problems);
        atLeast(10, checkpoints.timeoutMillis, JobOptions.CHECKPOINT_TIMEOUT, problems);
        atLeast(0, restarts.attempts, JobOptions.RESTART_ATTEMPTS, problems);
        atLeast(0, restarts.delayMillis, JobOptions.RESTART_DELAY, problems);
        if (maxParallelism < parallelism || maxParallelism > 32_768) {
            problems.add("'" + JobOptions.MAX_PARALLELISM.key() + "' must lie between '" + JobOptions.PARALLELISM.key()
                    + "' (" + parallelism + ") and 32768, was " + maxParallelism);
        }
        return problems;
    }

    private static void notByTheClock(long millis, ConfigOption<?> option, List<String> problems) {
        if (millis > 0) {
            problems.add("'" + option.key() + "' goes by the clock, so that no two runs would be equal, which '"
                    + JobOptions.MODE.key() + ": ordered' promises: set '" + JobOptions.MODE.key() + ": arrival'");
        }
    }

    private static void atLeast(long least, long value, ConfigOption<?> option, List<String> problems) {
        if (value < least) {
            problems.add("'" + option.key() + "' must be at least " + least + ", was " + value);
        }
    }

    private static String text(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** Typed reading that goes on after a bad value. */
    private static final class Values {
        private final Configuration configuration;
        private final List<String> problems = new ArrayList<>();

        Values(Map<String, String> values) {
            configuration = Configuration.fromMap(values);
            for (String key : values.keySet()) {
                if (JobOptions.ALL.stream().noneMatch(option -> option.key().equals(key))
                        && !key.startsWith(JobOptions.KAFKA_PROPERTIES.key() + ".")
                        && JobOptions.knob(key).isEmpty()) {
                    problems.add("unknown key '" + key + "'; did you mean '" + nearest(key) + "'?");
                }
            }
        }

        /** The optimizer with all that was set, so that it can say itself what is wrong. */
        OptimizerSettings optimizer(Map<String, String> values) {
            OptimizerSettings optimizer = OptimizerSettings.defaults(get(JobOptions.OPTIMIZER));
            for (Map.Entry<String, String> entry : values.entrySet()) {
                Optional<String> knob = JobOptions.knob(entry.getKey());
                if (knob.isPresent()) {
                    optimizer = optimizer.with(knob.get(), entry.getValue());
                }
            }
            return optimizer;
        }

        NetworkSettings network() {
            return new NetworkSettings(
                    layers(),
                    get(JobOptions.LOSS),
                    get(JobOptions.QUANTILE),
                    get(JobOptions.ROW_METHOD),
                    get(JobOptions.ROW_RATE),
                    get(JobOptions.VECTOR_RATE));
        }

        private List<LayerSpec> layers() {
            List<LayerSpec> hidden = LayerSpec.hidden(get(JobOptions.HIDDEN), get(JobOptions.ACTIVATION));
            String layers = get(JobOptions.LAYERS, null);
            if (layers == null) {
                return hidden;
            }
            for (ConfigOption<?> shortForm : List.of(JobOptions.HIDDEN, JobOptions.ACTIVATION)) {
                if (configuration.contains(shortForm)) {
                    problems.add("'" + JobOptions.LAYERS.key() + "' and '" + shortForm.key()
                            + "' exclude each other: the layers say it all");
                }
            }
            try {
                return LayerSpec.parse(layers);
            } catch (IllegalArgumentException e) {
                problems.add("'" + JobOptions.LAYERS.key() + "': " + e.getMessage());
                return hidden;
            }
        }

        String bootstrap() {
            String bootstrap = get(JobOptions.KAFKA_BOOTSTRAP, "");
            if (bootstrap.isBlank()) {
                problems.add(
                        "'" + JobOptions.KAFKA_BOOTSTRAP.key() + "' is missing: it names the brokers, as host:port");
                return "missing:0";
            }
            return bootstrap;
        }

        Position position(ConfigOption<String> option) {
            try {
                return Position.parse(get(option));
            } catch (IllegalArgumentException e) {
                problems.add("'" + option.key() + "': " + e.getMessage());
                return Position.parse(option.defaultValue());
            }
        }

        TrainSettings.Clock clock() {
            long maxWait = get(JobOptions.BATCH_MAX_WAIT).toMillis();
            long publish = get(JobOptions.PUBLISH_INTERVAL).toMillis();
            atLeast(0, maxWait, JobOptions.BATCH_MAX_WAIT, problems);
            atLeast(0, publish, JobOptions.PUBLISH_INTERVAL, problems);
            return new TrainSettings.Clock(Math.max(0, maxWait), Math.max(0, publish));
        }

        Topics topics() {
            try {
                return new Topics(get(JobOptions.TOPIC_PREFIX));
            } catch (IllegalArgumentException e) {
                problems.add("'" + JobOptions.TOPIC_PREFIX.key() + "': " + e.getMessage());
                return new Topics(JobOptions.TOPIC_PREFIX.defaultValue());
            }
        }

        <T> T get(ConfigOption<T> option) {
            return get(option, option.defaultValue());
        }

        <T> T get(ConfigOption<T> option, T otherwise) {
            try {
                return configuration.getOptional(option).orElse(otherwise);
            } catch (RuntimeException e) {
                problems.add("'" + option.key() + "' cannot be '"
                        + configuration.toMap().get(option.key()) + "'" + hint(option, e));
                return otherwise;
            }
        }

        private static String hint(ConfigOption<?> option, RuntimeException e) {
            Object example = option.defaultValue();
            if (example instanceof Enum<?> constant) {
                List<String> names = new ArrayList<>();
                for (Enum<?> other : constant.getDeclaringClass().getEnumConstants()) {
                    names.add(text(other));
                }
                return "; it is one of " + String.join(", ", names);
            }
            if (example != null) {
                return "; the default is " + example;
            }
            return e.getCause() == null || e.getCause().getMessage() == null
                    ? ""
                    : ": " + e.getCause().getMessage().lines().findFirst().orElse("");
        }

        private static String nearest(String key) {
            String best = null;
            int fewest = Integer.MAX_VALUE;
            for (ConfigOption<?> option : JobOptions.ALL) {
                int edits = edits(key, option.key());
                if (edits < fewest) {
                    fewest = edits;
                    best = option.key();
                }
            }
            return best;
        }

        /** Levenshtein distance. */
        private static int edits(String a, String b) {
            int[] row = new int[b.length() + 1];
            for (int j = 0; j < row.length; j++) {
                row[j] = j;
            }
            for (int i = 1; i <= a.length(); i++) {
                int diagonal = row[0];
                row[0] = i;
                for (int j = 1; j < row.length; j++) {
                    int above = row[j];
                    int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                    row[j] = Math.min(replace, 1 + Math.min(above, row[j - 1]));
                    diagonal = above;
                }
            }
            return row[b.length()];
        }
    }
}
