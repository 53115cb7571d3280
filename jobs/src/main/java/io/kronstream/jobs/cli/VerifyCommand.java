// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.connectors.Topics;
import io.kronstream.connectors.model.ModelManifest;
import io.kronstream.connectors.model.ModelReader;
import io.kronstream.connectors.model.StoredModel;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobFile;
import io.kronstream.jobs.JobOptions;
import io.kronstream.jobs.JobRecord;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.demo.WorkDirectory;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import io.kronstream.jobs.observer.Oracle;
import io.kronstream.linalg.Numerics;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kronstream verify}. */
@Command(
        name = "verify",
        sortOptions = false,
        description = {
            "Learns again, without Flink, what a published version says it has learned, and compares the digests.",
            "Exit status 0 if they are equal, 1 if not."
        })
final class VerifyCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private CommandSpec spec;

    /** Not the standard options: of these, {@code --version} would mean kronstream's. */
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help message and exit.")
    private boolean help;

    @Option(names = "--model", paramLabel = "ID", description = "The model (default: the only one there is).")
    private String model;

    @Option(
            names = "--version",
            paramLabel = "N",
            description = "Its version (default: the newest; a compacted topic holds the last two).")
    private Long version;

    @Option(names = "--keep", paramLabel = "DIR", description = "The directory that 'kronstream demo --keep' has left.")
    private Path keep;

    @Option(names = "--bootstrap", paramLabel = "HOST:PORT", description = "Brokers to read from.")
    private String bootstrap;

    @Option(
            names = "--prefix",
            paramLabel = "PREFIX",
            description = "First part of the topics' names (default: kronstream).")
    private String prefix;

    @Option(
            names = "--job",
            paramLabel = "job.yaml",
            description = "The job's file (default: the one beside the models on Kafka).")
    private Path job;

    @Option(
            names = "--property",
            paramLabel = "KEY=VALUE",
            description = "A property of the Kafka clients, such as security settings. Repeatable.")
    private Map<String, String> properties = Map.of();

    @Option(names = "--json", description = "Answers in JSON.")
    private boolean json;

    @Option(names = "--verbose", description = "Shows the logs, and the stack trace of a failure.")
    private boolean verbose;

    @Override
    public Integer call() throws Exception {
        if (version != null && version < 1) {
            throw new InvalidSettingsException("--version", List.of("must be at least 1, was " + version));
        }
        if (keep != null) {
            if (bootstrap != null || prefix != null || job != null) {
                throw new InvalidSettingsException(
                        "--keep", List.of("excludes --bootstrap, --prefix and --job: the directory says it all"));
            }
            WorkDirectory directory = WorkDirectory.open(keep);
            JobSettings settings = directory.readJob();
            try (EmbeddedBroker broker = EmbeddedBroker.start(directory.broker(), 0)) {
                return verify(settings.withKafka(settings.kafka().at(broker.bootstrap())));
            }
        }
        return verify(settings());
    }

    private JobSettings settings() throws JobFailure {
        if (job != null) {
            OptionValues overrides = new OptionValues()
                    .put(JobOptions.KAFKA_BOOTSTRAP, bootstrap)
                    .put(JobOptions.TOPIC_PREFIX, prefix);
            properties.forEach(
                    (key, value) -> overrides.putAll(Map.of(JobOptions.KAFKA_PROPERTIES.key() + "." + key, value)));
            return JobFile.read(job, overrides.values());
        }
        if (bootstrap == null || bootstrap.isBlank()) {
            throw new InvalidSettingsException(
                    "verify", List.of("says where to read by --keep DIR, --bootstrap HOST:PORT or --job job.yaml"));
        }
        KafkaSettings kafka = new KafkaSettings(bootstrap, properties);
        Topics topics = topics();
        requireModels(kafka, topics);
        return JobRecord.read(kafka, topics)
                .orElseThrow(() -> new JobFailure(
                        "Topic " + topics.models() + " does not hold the job's file: name it with --job job.yaml"));
    }

    private Topics topics() {
        try {
            return new Topics(prefix == null ? JobOptions.TOPIC_PREFIX.defaultValue() : prefix);
        } catch (IllegalArgumentException e) {
            throw new InvalidSettingsException("--prefix", List.of(e.getMessage()));
        }
    }

    private static void requireModels(KafkaSettings kafka, Topics topics) throws JobFailure {
        try (TopicAdmin admin = TopicAdmin.connect(kafka)) {
            if (!admin.exists(topics.models())) {
                throw new JobFailure("There is no topic " + topics.models() + " at " + kafka.bootstrap() + ": is '"
                        + topics.prefix() + "' the right --prefix?");
            }
        }
    }

    private int verify(JobSettings settings) throws JobFailure {
        requireModels(settings.kafka(), settings.topics());
        ModelManifest published = find(settings);
        String learned = new Oracle(settings).digests(List.of(published)).get(published.model());
        boolean equal = published.modelDigest().equals(learned);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            ObjectNode answer = JSON.createObjectNode()
                    .put("model", published.model())
                    .put("version", published.version())
                    .put("step", published.step())
                    .put("examples", published.examples())
                    .put("published", published.modelDigest())
                    .put("learnedAgain", learned)
                    .put("publishedFingerprint", published.fingerprint())
                    .put("fingerprint", Numerics.fingerprint())
                    .put("equal", equal);
            out.println(answer.toPrettyString());
        } else {
            out.printf(
                    "Model %s, version %d: %,d steps, %,d examples%n",
                    published.model(), published.version(), published.step(), published.examples());
            out.printf("  published      %s%n", published.modelDigest());
            out.printf("  learned again  %s%n", learned == null ? "never reached that step" : learned);
            out.println(equal ? "Equal: nothing was lost, repeated or reordered." : different(published));
        }
        out.flush();
        return equal ? ExitStatus.DONE : ExitStatus.FAILED;
    }

    private static String different(ModelManifest published) {
        return published.fingerprint().equals(Numerics.fingerprint())
                ? "DIFFERENT."
                : "DIFFERENT, as was to be expected: it was learned with the numerics " + published.fingerprint()
                        + ", this is " + Numerics.fingerprint() + ".";
    }

    private ModelManifest find(JobSettings settings) throws JobFailure {
        try (ModelReader reader =
                new ModelReader(settings.kafka(), settings.topics().models(), settings.committedOnly())) {
            String wanted = model;
            if (wanted == null) {
                List<String> models = new ArrayList<>(reader.models());
                if (models.size() != 1) {
                    throw new JobFailure(
                            models.isEmpty()
                                    ? "Topic " + settings.topics().models() + " holds no model yet"
                                    : "There are " + models.size() + " models: name one with --model, such as "
                                            + models.get(0));
                }
                wanted = models.get(0);
            }
            Optional<StoredModel> found = version == null ? reader.newest(wanted) : reader.version(wanted, version);
            String missing = "Topic " + settings.topics().models() + " holds no "
                    + (version == null ? "version" : "version " + version) + " of model '" + wanted + "'";
            return found.orElseThrow(() -> new JobFailure(missing)).manifest();
        }
    }
}
