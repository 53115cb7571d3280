// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import static org.apache.flink.configuration.ConfigOptions.key;

import io.kronstream.connectors.Delivery;
import io.kronstream.connectors.Position;
import io.kronstream.connectors.format.FormatSettings;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.Mode;
import io.kronstream.learner.NetworkSettings;
import io.kronstream.learner.Objective;
import io.kronstream.network.Activation;
import io.kronstream.operators.RefreshMode;
import io.kronstream.optimizers.Knobs;
import io.kronstream.optimizers.RowMethod;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.MemorySize;

/**
 * Every option of a job, with its default and what it costs. In a job file the nouns of a key are nested. The
 * knobs of the optimizer that is chosen are declared by it ({@link io.kronstream.optimizers.Optimizers#knobs}).
 */
public final class JobOptions {
    public static final ConfigOption<String> JOB_NAME = key("job.name")
            .stringType()
            .defaultValue("kronstream")
            .withDescription("Name of the job in the dashboard. Costs nothing.");
    public static final ConfigOption<Mode> MODE = key("mode")
            .enumType(Mode.class)
            .defaultValue(Mode.ORDERED)
            .withDescription("What the order of a model's records rests on. ordered: they come from one partition, and"
                    + " every run is the same. arrival: they may come from several partitions, and the clock may close"
                    + " mini-batches and publish; it costs a journal, from which every version can be replayed.");
    public static final ConfigOption<Integer> PARALLELISM = key("job.parallelism")
            .intType()
            .defaultValue(1)
            .withDescription("Subtasks of every operator. Each takes a slot, and memory for its share of the models;"
                    + " more than there are models helps only the refreshes.");
    public static final ConfigOption<Integer> MAX_PARALLELISM = key("job.max-parallelism")
            .intType()
            .defaultValue(128)
            .withDescription("Most subtasks the job can ever be rescaled to. It cannot be changed later; a large one"
                    + " makes checkpoints of few models a little larger.");
    public static final ConfigOption<Integer> RESTART_ATTEMPTS = key("job.restart.attempts")
            .intType()
            .defaultValue(10)
            .withDescription("Failures after which the job gives up. Each restart repeats what came after the last"
                    + " checkpoint.");
    public static final ConfigOption<Duration> RESTART_DELAY = key("job.restart.delay")
            .durationType()
            .defaultValue(Duration.ofSeconds(1))
            .withDescription("Pause before a restart. Short ones hammer a cluster that is still losing machines.");

    public static final ConfigOption<String> KAFKA_BOOTSTRAP = key("kafka.bootstrap")
            .stringType()
            .noDefaultValue()
            .withDescription("Brokers, as host:port,host:port. Required.");
    public static final ConfigOption<String> TOPIC_PREFIX = key("kafka.prefix")
            .stringType()
            .defaultValue("kronstream")
            .withDescription("First part of the names of all topics, such as PREFIX.examples. Costs nothing.");
    public static final ConfigOption<Map<String, String>> KAFKA_PROPERTIES = key("kafka.properties")
            .mapType()
            .defaultValue(Map.of())
            .withDescription("Further properties of every Kafka client, such as security settings.");
    public static final ConfigOption<Delivery> DELIVERY = key("kafka.delivery")
            .enumType(Delivery.class)
            .defaultValue(Delivery.AT_LEAST_ONCE)
            .withDescription("How models, scores and dead letters go out. After a failure at-least-once repeats some,"
                    + " bit for bit; exactly-once holds all back until the next checkpoint.");

    public static final ConfigOption<FormatSettings.Name> FORMAT = key("examples.format")
            .enumType(FormatSettings.Name.class)
            .defaultValue(FormatSettings.Name.CSV)
            .withDescription("How the values of records hold rows. json finds fields by name and costs about twice as"
                    + " much time as csv; avro is the smallest.");
    public static final ConfigOption<String> AVRO_SCHEMA = key("examples.avro-schema")
            .stringType()
            .noDefaultValue()
            .withDescription("The Avro schema of all values: its JSON, or the path of its file. Costs nothing.");
    public static final ConfigOption<String> REGISTRY = key("examples.registry")
            .stringType()
            .noDefaultValue()
            .withDescription("Address of the registry that has the Avro schemas which values name by number, such as"
                    + " http://localhost:8081. Each schema is asked for once; the job fails while it does not answer.");
    public static final ConfigOption<Duration> REGISTRY_TIMEOUT = key("examples.registry-timeout")
            .durationType()
            .defaultValue(FormatSettings.DEFAULT_TIMEOUT)
            .withDescription("Time in which the registry must answer each of three attempts. Records wait meanwhile.");
    public static final ConfigOption<List<String>> EXAMPLE_TOPICS = key("examples.topics")
            .stringType()
            .asList()
            .noDefaultValue()
            .withDescription(
                    "The topics to learn from, which must exist; PREFIX.examples unless given. Their order is part"
                            + " of the state: new ones come at the end. Costs nothing.");
    public static final ConfigOption<String> TOPIC_PATTERN = key("examples.topic-pattern")
            .stringType()
            .noDefaultValue()
            .withDescription(
                    "A regular expression; topics with such names are learned from, too, also those that come while the"
                            + " job runs, unless it has an end. Costs a look at the broker's topics every 30 s.");
    public static final ConfigOption<String> START = key("examples.start")
            .stringType()
            .defaultValue(Position.EARLIEST.text())
            .withDescription(
                    "Where a job without state begins: earliest, latest, committed (the offsets that its consumer"
                            + " group has committed), timestamp 2026-01-31T00:00:00Z (or milliseconds since the epoch), or offsets"
                            + " 0=42 1=17 (or TOPIC:0=42); other partitions then begin as with committed. Costs nothing.");
    public static final ConfigOption<String> END = key("examples.end")
            .stringType()
            .defaultValue(Position.NEVER.text())
            .withDescription(
                    "Where the job ends: never, latest (what there is when it starts), timestamp or offsets, as for"
                            + " examples.start; of partitions without an offset nothing is read. A job with an end sees no new"
                            + " partitions.");
    public static final ConfigOption<List<String>> SOURCE_FILE = key("source.file")
            .stringType()
            .asList()
            .noDefaultValue()
            .withDescription(
                    "Files or directories to learn from in place of topics, lines plain or compressed by gzip or Avro's"
                            + " files, as paths"
                            + " or URIs that the job and verify reach; they are read to their end. One subtask reads and decodes.");
    public static final ConfigOption<String> SOURCE_SQL = key("source.sql")
            .stringType()
            .noDefaultValue()
            .withDescription(
                    "A CREATE TABLE statement of Flink SQL: the job learns from its rows in place of topics, the"
                            + " columns by their names. One subtask reads and decodes. Such a job cannot be verified: a table does"
                            + " not say where a row came from.");
    public static final ConfigOption<Double> MAX_REJECTED_SHARE = key("examples.max-rejected-share")
            .doubleType()
            .defaultValue(1.0)
            .withDescription("Share of records that cannot be decoded above which the job stops for good; 1 for never."
                    + " A small one stops a job for what another one would survive.");
    public static final ConfigOption<Long> REJECTED_WINDOW = key("examples.rejected-window")
            .longType()
            .defaultValue(1000L)
            .withDescription("Records, per subtask, over which the share of rejected ones is taken. A short window"
                    + " stops the job for a short disturbance.");

    public static final ConfigOption<String> MODEL = key("model.name")
            .stringType()
            .defaultValue("main")
            .withDescription("Id of the model when the schema names no key column. Costs nothing.");
    public static final ConfigOption<List<Integer>> HIDDEN = key("model.hidden")
            .intType()
            .asList()
            .defaultValues(LearnerSettings.DEFAULT_HIDDEN.toArray(Integer[]::new))
            .withDescription("Units of each hidden layer. Memory grows with the square of a layer's sides, the work of"
                    + " a refresh with the cube.");
    public static final ConfigOption<Activation> ACTIVATION = key("model.activation")
            .enumType(Activation.class)
            .defaultValue(Activation.RELU)
            .withDescription("Function of the hidden layers; the others cost more per example than relu.");
    public static final ConfigOption<String> LAYERS = key("model.layers")
            .stringType()
            .noDefaultValue()
            .withDescription("The layers between inputs and output, such as [dense: 128, layer-norm, relu]; instead of"
                    + " model.hidden and model.activation. See the network reference.");
    public static final ConfigOption<Objective> LOSS = key("model.loss")
            .enumType(Objective.class)
            .defaultValue(Objective.AUTO)
            .withDescription(
                    "What the output is made to mean: auto is logistic for a binary label, softmax for classes, else"
                            + " squared; poisson for counts, quantile for a quantile. Costs nothing.");
    public static final ConfigOption<Double> QUANTILE = key("model.quantile")
            .doubleType()
            .defaultValue(NetworkSettings.DEFAULT_LEVEL)
            .withDescription("Level of the quantile that model.loss quantile predicts; 0.5 is the median.");
    public static final ConfigOption<RowMethod> ROW_METHOD = key("embedding.method")
            .enumType(RowMethod.class)
            .defaultValue(RowMethod.ADAGRAD)
            .withDescription("What learns embedding tables, row by row. adagrad remembers two numbers per row, adam and"
                    + " adafisher as many as the table has and three more per row.");
    public static final ConfigOption<Double> ROW_RATE = key("embedding.learning-rate")
            .doubleType()
            .defaultValue(NetworkSettings.DEFAULT_ROW_RATE)
            .withDescription("Its step size; the one of adagrad fades with every touch of a row.");
    public static final ConfigOption<Double> VECTOR_RATE = key("vector.learning-rate")
            .doubleType()
            .defaultValue(NetworkSettings.DEFAULT_VECTOR_RATE)
            .withDescription("Step size of Adam, which learns the gains and biases of layer norms.");
    public static final ConfigOption<Long> SEED = key("model.seed")
            .longType()
            .defaultValue(1L)
            .withDescription("Seed of the initial parameters. Costs nothing.");
    public static final ConfigOption<Long> PUBLISH_EVERY = key("model.publish-every")
            .longType()
            .defaultValue(100L)
            .withDescription("Steps between two published versions. Each costs a digest over the model's whole state"
                    + " and its bytes on Kafka.");
    public static final ConfigOption<Duration> PUBLISH_INTERVAL = key("model.publish-interval")
            .durationType()
            .defaultValue(Duration.ZERO)
            .withDescription("Time after which a model that has learned is published, whatever its steps; 0 for never."
                    + " Only in arrival mode. Costs as much as publish-every.");

    public static final ConfigOption<MemorySize> MODEL_FILES_ABOVE = key("model.files.above")
            .memoryType()
            .defaultValue(MemorySize.ofMebiBytes(64))
            .withDescription("Bytes of a published model above which it goes to a file, and only its manifest to Kafka."
                    + " Counts with a directory alone; without one every model goes to Kafka, up to 1 GiB.");
    public static final ConfigOption<String> MODEL_FILES_DIRECTORY = key("model.files.directory")
            .stringType()
            .noDefaultValue()
            .withDescription(
                    "Where such files go, as a URI that the job and the readers reach. Costs the space of about"
                            + " as many versions as are published between three checkpoints.");

    public static final ConfigOption<Integer> BATCH_SIZE = key("batch.size")
            .intType()
            .defaultValue(LearnerSettings.DEFAULT_BATCH)
            .withDescription("Examples of a mini-batch. Small ones adapt faster and cost more time per example.");
    public static final ConfigOption<Duration> BATCH_INTERVAL = key("batch.interval")
            .durationType()
            .defaultValue(Duration.ZERO)
            .withDescription("Span of the records' own time that closes a mini-batch early; 0 for never. Short ones"
                    + " make small batches of slow streams.");
    public static final ConfigOption<Duration> BATCH_MAX_WAIT = key("batch.max-wait")
            .durationType()
            .defaultValue(Duration.ZERO)
            .withDescription("Time after which an open mini-batch is closed although it is not full; 0 for never. Only"
                    + " in arrival mode. Short ones make small batches of slow streams.");

    public static final ConfigOption<String> OPTIMIZER = key("optimizer.name")
            .stringType()
            .defaultValue("dykaf")
            .withDescription("The optimizer. adam is the cheapest; dykaf keeps a factor and a basis for each side of"
                    + " each layer.");
    public static final ConfigOption<Map<String, String>> OPTIMIZER_KNOBS = key("optimizer")
            .mapType()
            .defaultValue(Map.of())
            .withDescription(
                    "The knobs of the chosen optimizer, such as optimizer.learning-rate, which decides more than"
                            + " any other option. Each optimizer has its own.");

    public static final ConfigOption<RefreshMode> REFRESH_MODE = key("refresh.mode")
            .enumType(RefreshMode.class)
            .defaultValue(RefreshMode.AUTO)
            .withDescription("Where eigenbases are refreshed. remote takes the cubic work off the learner and costs the"
                    + " way through Kafka; inline costs the learner's own time; auto is inline for small factors (up to"
                    + " 96 rows with qr_iteration), which cost less than the way, and remote for the others.");
    public static final ConfigOption<String> REFRESH_INTERVAL = key("refresh.interval")
            .stringType()
            .noDefaultValue()
            .withDescription("Knob refresh-interval of the optimizer, if it has one: steps between two refreshes. Short"
                    + " ones cost cubic work more often.");
    public static final ConfigOption<String> REFRESH_METHOD = key("refresh.method")
            .stringType()
            .noDefaultValue()
            .withDescription("Knob refresh-method of the optimizer, if it has one; a full decomposition costs several"
                    + " times a QR iteration.");
    public static final ConfigOption<Integer> REFRESH_LAG = key("refresh.lag")
            .intType()
            .noDefaultValue()
            .withDescription("Steps between asking for a refresh and using it; the interval unless given. 0 makes every"
                    + " refresh wait for its answer.");
    public static final ConfigOption<Double> REFRESH_TOLERANCE = key("refresh.tolerance")
            .doubleType()
            .defaultValue(0.0)
            .withDescription("A basis is kept while what it leaves beside the diagonal of its factor is at most this"
                    + " share of the factor, in Frobenius norm; 0 refreshes always. Saves most of the cubic work once"
                    + " the factors are steady, and costs a product of two matrices where it does not.");
    public static final ConfigOption<Boolean> REFRESH_STAGGER = key("refresh.stagger")
            .booleanType()
            .defaultValue(false)
            .withDescription("Whether the layers of a model are refreshed in turns within the interval, in place of all"
                    + " at once. Spreads the load; gives other numbers, but always the same ones.");
    public static final ConfigOption<Duration> REFRESH_DEADLINE = key("refresh.deadline")
            .durationType()
            .defaultValue(Duration.ofSeconds(30))
            .withDescription("How long a model waits for an answer before the learner computes it itself. Short ones"
                    + " cost work twice, long ones delay a model whose answer is lost.");
    public static final ConfigOption<MemorySize> REFRESH_PARKED = key("refresh.parked")
            .memoryType()
            .defaultValue(MemorySize.ofMebiBytes(64))
            .withDescription("Bytes of records, per subtask, that may wait for answers before the subtask itself"
                    + " waits. Costs state and heap.");
    public static final ConfigOption<Duration> REFRESH_DELAY = key("refresh.delay.max")
            .durationType()
            .defaultValue(Duration.ZERO)
            .withDescription("Fault injection: answers are held back by a random time up to this. 0 for none.");
    public static final ConfigOption<Long> REFRESH_DELAY_SEED = key("refresh.delay.seed")
            .longType()
            .defaultValue(1L)
            .withDescription("Fault injection: seed of the delays.");
    public static final ConfigOption<String> REFRESH_DELAY_MODEL = key("refresh.delay.model")
            .stringType()
            .noDefaultValue()
            .withDescription("Fault injection: the one model whose answers are held back; all unless given.");

    public static final ConfigOption<MemorySize> CACHE = key("state.cache")
            .memoryType()
            .defaultValue(MemorySize.ofMebiBytes(256))
            .withDescription("Bytes of models, per subtask, that stay ready in memory; the others wait in the state"
                    + " backend and cost a read and a write when their turn comes.");
    public static final ConfigOption<Backend> BACKEND = key("state.backend")
            .enumType(Backend.class)
            .defaultValue(Backend.ROCKSDB)
            .withDescription(
                    "Where the state is kept. rocksdb: on disk; a checkpoint writes the models that have changed,"
                            + " and training stands still until they are on disk. hashmap: on the heap, which then holds every"
                            + " model once, and twice during a checkpoint; that writes all of them, while training goes on. It"
                            + " suits few large models, which change from checkpoint to checkpoint anyway.");
    public static final ConfigOption<Duration> METRICS_WINDOW = key("metrics.window")
            .durationType()
            .defaultValue(Duration.ofHours(1))
            .withDescription("Length of the windows, by the records' own time, that metrics are taken over; they go to"
                    + " PREFIX.metrics and to the dashboard. 0 for no metrics. Costs less than a microsecond per score"
                    + " and up to 30 KB of state per model.");
    public static final ConfigOption<Duration> CHECKPOINT_INTERVAL = key("checkpoint.interval")
            .durationType()
            .defaultValue(Duration.ofSeconds(10))
            .withDescription("Time between checkpoints. Each writes what the models changed since the last; what came"
                    + " after the last one is learned again after a failure.");
    public static final ConfigOption<Duration> CHECKPOINT_TIMEOUT = key("checkpoint.timeout")
            .durationType()
            .defaultValue(Duration.ofMinutes(10))
            .withDescription("Time after which an unfinished checkpoint is given up.");
    public static final ConfigOption<String> CHECKPOINT_DIRECTORY = key("checkpoint.directory")
            .stringType()
            .noDefaultValue()
            .withDescription("Where checkpoints and savepoints go, as a URI that all machines reach. Required on a"
                    + " cluster; a local run makes its own.");

    /** All of them, in the order in which they are documented. */
    public static final List<ConfigOption<?>> ALL = List.of(
            JOB_NAME,
            MODE,
            PARALLELISM,
            MAX_PARALLELISM,
            RESTART_ATTEMPTS,
            RESTART_DELAY,
            KAFKA_BOOTSTRAP,
            TOPIC_PREFIX,
            KAFKA_PROPERTIES,
            DELIVERY,
            FORMAT,
            AVRO_SCHEMA,
            REGISTRY,
            REGISTRY_TIMEOUT,
            EXAMPLE_TOPICS,
            TOPIC_PATTERN,
            START,
            END,
            SOURCE_FILE,
            SOURCE_SQL,
            MAX_REJECTED_SHARE,
            REJECTED_WINDOW,
            MODEL,
            HIDDEN,
            ACTIVATION,
            LAYERS,
            LOSS,
            QUANTILE,
            ROW_METHOD,
            ROW_RATE,
            VECTOR_RATE,
            SEED,
            PUBLISH_EVERY,
            MODEL_FILES_ABOVE,
            MODEL_FILES_DIRECTORY,
            PUBLISH_INTERVAL,
            BATCH_SIZE,
            BATCH_INTERVAL,
            BATCH_MAX_WAIT,
            OPTIMIZER,
            OPTIMIZER_KNOBS,
            REFRESH_MODE,
            REFRESH_INTERVAL,
            REFRESH_METHOD,
            REFRESH_LAG,
            REFRESH_TOLERANCE,
            REFRESH_STAGGER,
            REFRESH_DEADLINE,
            REFRESH_PARKED,
            REFRESH_DELAY,
            REFRESH_DELAY_SEED,
            REFRESH_DELAY_MODEL,
            CACHE,
            BACKEND,
            METRICS_WINDOW,
            CHECKPOINT_INTERVAL,
            CHECKPOINT_TIMEOUT,
            CHECKPOINT_DIRECTORY);

    private JobOptions() {}

    /** The key that sets the optimizer's knob of this name. */
    public static String keyOf(String knob) {
        if (knob.equals(Knobs.REFRESH_INTERVAL.name())) {
            return REFRESH_INTERVAL.key();
        }
        if (knob.equals(Knobs.REFRESH_METHOD.name())) {
            return REFRESH_METHOD.key();
        }
        return OPTIMIZER_KNOBS.key() + "." + knob;
    }

    /** Name of the knob that a key sets; empty for keys that set none. */
    static Optional<String> knob(String key) {
        String prefix = OPTIMIZER_KNOBS.key() + ".";
        if (key.equals(REFRESH_INTERVAL.key())) {
            return Optional.of(Knobs.REFRESH_INTERVAL.name());
        }
        if (key.equals(REFRESH_METHOD.key())) {
            return Optional.of(Knobs.REFRESH_METHOD.name());
        }
        if (!key.startsWith(prefix) || key.equals(OPTIMIZER.key())) {
            return Optional.empty();
        }
        String knob = key.substring(prefix.length());
        return key.equals(keyOf(knob)) ? Optional.of(knob) : Optional.empty();
    }
}
