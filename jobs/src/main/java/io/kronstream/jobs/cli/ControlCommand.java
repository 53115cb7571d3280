// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.KafkaSettings;
import io.kronstream.connectors.example.CommandDecoder;
import io.kronstream.connectors.model.StoredModel;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobRecord;
import io.kronstream.jobs.JobSettings;
import io.kronstream.learner.Command.Kind;
import io.kronstream.state.Origins;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kronstream control}. */
@Command(
        name = "control",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "WHAT",
        description = {
            "Tells a model what to do, by a record in its own partition of the examples topic.",
            "What became of it stands in the model's next manifest; a command that is refused is a dead letter."
        },
        subcommands = {
            ControlCommand.Pause.class,
            ControlCommand.Resume.class,
            ControlCommand.Publish.class,
            ControlCommand.Set.class,
            ControlCommand.Retire.class
        })
final class ControlCommand implements Runnable {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name what to do: pause, resume, publish, set or retire");
    }

    /** What all of them have. */
    private abstract static class Told implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Option(names = "--model", paramLabel = "ID", description = "The model (default: the only one there is).")
        private String model;

        @Mixin
        private ModelsOption where;

        @Option(
                names = "--id",
                paramLabel = "ID",
                description = "Of two commands of the same id only the first counts (default: a random one).")
        private String id;

        @Option(names = "--json", description = "Answers in JSON.")
        private boolean json;

        abstract io.kronstream.learner.Command command(String id);

        /** What the job reads, as the file beside its models says; its own topic where there is none. */
        private Origins origins() throws JobFailure {
            Origins origins = JobRecord.read(where.kafka(), where.topics())
                    .map(JobSettings::origins)
                    .orElseGet(() -> Origins.topics(where.topics().examples()));
            if (origins.inTurn()) {
                throw new JobFailure("The job reads " + origins.names() + ", and commands come by topics only");
            }
            return origins;
        }

        @Override
        public Integer call() throws Exception {
            io.kronstream.learner.Command command;
            try {
                command = command(id == null ? UUID.randomUUID().toString() : id);
            } catch (IllegalArgumentException e) {
                throw new InvalidSettingsException(spec.name(), List.of(e.getMessage()));
            }
            StoredModel newest = where.find(model, null);
            int number = newest.manifest().trainedThrough().firstKey();
            Origins origins = origins();
            RecordMetadata sent = send(
                    where.kafka(),
                    new TopicPartition(origins.name(number), origins.partition(number)),
                    newest.manifest().model(),
                    command);
            PrintWriter out = spec.commandLine().getOut();
            if (json) {
                out.println(JSON.createObjectNode()
                        .put("model", newest.manifest().model())
                        .put("id", command.id())
                        .put("topic", sent.topic())
                        .put("partition", sent.partition())
                        .put("offset", sent.offset())
                        .toString());
            } else {
                out.println("Told model " + newest.manifest().model() + " to " + spec.name() + ": topic " + sent.topic()
                        + ", partition " + sent.partition() + ", offset " + sent.offset() + ", id " + command.id());
            }
            out.flush();
            return ExitStatus.DONE;
        }
    }

    /** One that can wait for a step. */
    private abstract static class AtAStep extends Told {
        @Option(
                names = "--at-step",
                paramLabel = "N",
                description = "Just before the model's step N, which must not have been taken (default: the next one).")
        long atStep;
    }

    /** Writes a command where the model reads it. */
    static RecordMetadata send(
            KafkaSettings kafka, TopicPartition where, String model, io.kronstream.learner.Command command)
            throws JobFailure, InterruptedException {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                kafka.client(Map.of(), Map.of(ProducerConfig.ACKS_CONFIG, "all")),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            return producer.send(new ProducerRecord<>(
                            where.topic(),
                            where.partition(),
                            model.getBytes(StandardCharsets.UTF_8),
                            CommandDecoder.encode(model, command),
                            List.of(new RecordHeader(CommandDecoder.HEADER, new byte[] {'1'}))))
                    .get();
        } catch (ExecutionException e) {
            throw new JobFailure("The command cannot be written to topic " + where.topic() + ": "
                    + e.getCause().getMessage());
        }
    }

    /** {@code kronstream control pause}. */
    @Command(
            name = "pause",
            mixinStandardHelpOptions = true,
            description = "Lets a model take no steps; it goes on predicting and scoring.")
    static final class Pause extends AtAStep {
        @Override
        io.kronstream.learner.Command command(String id) {
            return new io.kronstream.learner.Command(id, Kind.PAUSE, atStep, "", null);
        }
    }

    /** {@code kronstream control resume}. */
    @Command(
            name = "resume",
            mixinStandardHelpOptions = true,
            description = "Lets a model that was paused or retired go on learning.")
    static final class Resume extends Told {
        @Override
        io.kronstream.learner.Command command(String id) {
            return new io.kronstream.learner.Command(id, Kind.RESUME, 0, "", null);
        }
    }

    /** {@code kronstream control publish}. */
    @Command(name = "publish", mixinStandardHelpOptions = true, description = "Publishes a version of a model now.")
    static final class Publish extends AtAStep {
        @Override
        io.kronstream.learner.Command command(String id) {
            return new io.kronstream.learner.Command(id, Kind.PUBLISH, atStep, "", null);
        }
    }

    /** {@code kronstream control set}. */
    @Command(
            name = "set",
            mixinStandardHelpOptions = true,
            description = "Gives an option of a model, such as its learning rate, another value.")
    static final class Set extends AtAStep {
        @Option(
                names = "--name",
                paramLabel = "KEY",
                required = true,
                description = "An option as in the job's file, such as optimizer.learning-rate.")
        private String name;

        @Option(
                names = "--value",
                paramLabel = "VALUE",
                description = "Its new value, for this model alone (default: back to that of the job).")
        private Optional<String> value;

        @Override
        io.kronstream.learner.Command command(String id) {
            return new io.kronstream.learner.Command(id, Kind.SET, atStep, name, value.orElse(null));
        }
    }

    /** {@code kronstream control retire}. */
    @Command(
            name = "retire",
            mixinStandardHelpOptions = true,
            description = "Withdraws what is published of a model; its examples are passed over until 'resume'.")
    static final class Retire extends AtAStep {
        @Override
        io.kronstream.learner.Command command(String id) {
            return new io.kronstream.learner.Command(id, Kind.RETIRE, atStep, "", null);
        }
    }
}
