// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.jobs.JobFile;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.embedded.EmbeddedBroker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import kafka.server.KafkaConfig;
import org.apache.kafka.common.utils.AppInfoParser;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import picocli.CommandLine;

/** The compose file says what its comments say, and every command in it is one that the command line takes. */
class DockerComposeTest {
    private static final Path ROOT = Path.of(System.getProperty("kronstream.root"));
    private static final List<String> OWN = List.of("jobmanager", "taskmanager", "job", "examples");

    private static JsonNode compose;

    @BeforeAll
    static void read() throws IOException {
        // Jackson's own YAML reader does not know merge keys.
        Object document = new Yaml(new SafeConstructor(new LoaderOptions()))
                .load(Files.readString(ROOT.resolve("docker-compose.yml")));
        compose = new ObjectMapper().valueToTree(document);
    }

    @Test
    void itHasAllParts() {
        List<String> names = new ArrayList<>();
        compose.path("services").fieldNames().forEachRemaining(names::add);

        assertThat(names)
                .contains("kafka", "prometheus", "grafana")
                .containsAll(OWN)
                .hasSize(OWN.size() + 3);
    }

    @Test
    void imagesArePinned() {
        for (JsonNode service : services().values()) {
            assertThat(service.path("image").asText()).matches("[a-z/-]+:v?\\d+\\.\\d+\\.\\d+[a-z0-9_.-]*");
        }
        assertThat(services().get("kafka").path("image").asText())
                .isEqualTo("apache/kafka:" + AppInfoParser.getVersion());
    }

    @Test
    void portsArePublishedOnLoopbackOnly() {
        List<String> ports = new ArrayList<>();
        services().values().forEach(service -> service.path("ports").forEach(port -> ports.add(port.asText())));

        assertThat(ports).isNotEmpty().allMatch(port -> port.matches("127\\.0\\.0\\.1:\\d+:\\d+"));
    }

    @Test
    void servicesWaitForServicesThatTellTheyAreReady() {
        services()
                .values()
                .forEach(service -> service.path("depends_on").properties().forEach(dependency -> {
                    JsonNode awaited = services().get(dependency.getKey());
                    assertThat(awaited).as(dependency.getKey()).isNotNull();
                    String condition = dependency.getValue().path("condition").asText();
                    assertThat(condition).isIn("service_healthy", "service_completed_successfully");
                    if (condition.equals("service_healthy")) {
                        assertThat(awaited.has("healthcheck")).isTrue();
                    }
                }));
    }

    @Test
    void everyCommandIsOneThatTheCommandLineTakes() {
        for (String name : OWN) {
            List<String> words = command(name);
            assertThat(words.get(0)).isEqualTo("./kronstream");
            assertThat(Files.isExecutable(ROOT.resolve(words.get(0)))).isTrue();

            CommandLine.ParseResult parsed = new CommandLine(Main.class)
                    .parseArgs(words.subList(1, words.size()).toArray(String[]::new));

            assertThat(parsed.hasSubcommand()).isTrue();
            assertThat(parsed.subcommand().unmatched()).isEmpty();
        }
    }

    @Test
    void theJobFileIsValidWithWhatIsSet() {
        for (String name : List.of("job", "examples")) {
            Map<String, String> overrides = new HashMap<>();
            Path file = null;
            for (String word : command(name)) {
                if (word.startsWith("--set=")) {
                    String[] option = word.substring("--set=".length()).split("=", 2);
                    overrides.put(option[0], option[1]);
                } else if (word.endsWith(".yaml")) {
                    file = ROOT.resolve(word.replace("--job=", ""));
                }
            }
            JobSettings job = JobFile.read(file, overrides);

            assertThat(job.kafka().bootstrap()).isEqualTo("kafka:9092");
        }
    }

    @Test
    void theBuiltApplicationIsMountedReadOnly() {
        for (String name : OWN) {
            JsonNode mount = services().get(name).path("volumes").get(0);
            assertThat(mount.path("read_only").asBoolean()).isTrue();
            assertThat(mount.path("target").asText())
                    .isEqualTo(services().get(name).path("working_dir").asText());
            assertThat(ROOT.resolve(mount.path("source").asText()).resolve("kronstream"))
                    .exists();
        }
    }

    @Test
    void everyFileThatIsMountedIsThere() {
        for (JsonNode service : services().values()) {
            for (JsonNode mount : service.path("volumes")) {
                if (mount.path("type").asText().equals("bind")) {
                    assertThat(ROOT.resolve(mount.path("source").asText())).exists();
                    assertThat(mount.path("read_only").asBoolean()).isTrue();
                }
            }
        }
    }

    /** Prometheus asks where Flink's processes answer; Grafana asks Prometheus, and finds both dashboards. */
    @Test
    void theMonitoringIsWiredTogether() throws IOException {
        JsonNode prometheus = yaml("docker/prometheus.yaml");
        List<String> targets = new ArrayList<>();
        prometheus.at("/scrape_configs/0/static_configs/0/targets").forEach(target -> targets.add(target.asText()));
        List<String> answering = new ArrayList<>();
        for (String name : List.of("jobmanager", "taskmanager")) {
            String words = String.join(" ", command(name)).replace('=', ' ');
            assertThat(words).contains("--metrics-port ");
            answering.add(name + ":" + words.replaceFirst(".*--metrics-port (\\d+).*", "$1"));
        }
        assertThat(targets).isEqualTo(answering);

        JsonNode source =
                yaml("docker/grafana/provisioning/datasources/prometheus.yaml").at("/datasources/0");
        assertThat(source.path("url").asText()).isEqualTo("http://prometheus:9090");
        String dashboards = yaml("docker/grafana/provisioning/dashboards/kronstream.yaml")
                .at("/providers/0/options/path")
                .asText();
        JsonNode mount = services().get("grafana").path("volumes").get(1);
        assertThat(mount.path("target").asText()).isEqualTo(dashboards);
        for (String name : List.of("learning", "operations")) {
            JsonNode dashboard = new ObjectMapper()
                    .readTree(Files.readString(
                            ROOT.resolve(mount.path("source").asText()).resolve(name + ".json")));
            assertThat(dashboard.path("panels")).hasSizeGreaterThan(8).allSatisfy(panel -> assertThat(
                            panel.at("/datasource/uid").asText())
                    .isEqualTo(source.path("uid").asText()));
        }
    }

    @Test
    void anotherUpLeavesTheJobAsItIs() {
        assertThat(command("job")).contains("--unless-running");
    }

    private static JsonNode yaml(String file) throws IOException {
        Object document = new Yaml(new SafeConstructor(new LoaderOptions())).load(Files.readString(ROOT.resolve(file)));
        return new ObjectMapper().valueToTree(document);
    }

    @Test
    void numericsArePinned() {
        for (String name : OWN) {
            JsonNode environment = services().get(name).path("environment");
            assertThat(environment.path("OPENBLAS_CORETYPE").asText()).isEqualTo("Haswell");
            assertThat(environment.path("OPENBLAS_NUM_THREADS").asText()).isEqualTo("1");
            assertThat(environment.path("OMP_NUM_THREADS").asText()).isEqualTo("1");
        }
    }

    @Test
    void kafkasSettingsAreOnesThatTheBrokerTakes() {
        Map<String, String> properties = new HashMap<>();
        services().get("kafka").path("environment").properties().forEach(variable -> {
            String key = variable.getKey().substring("KAFKA_".length());
            properties.put(
                    key.toLowerCase(Locale.ROOT).replace('_', '.'),
                    variable.getValue().asText());
        });

        KafkaConfig config = new KafkaConfig(properties, false);

        assertThat(config.values()).containsKeys(properties.keySet().toArray(String[]::new));
        assertThat(config.messageMaxBytes()).isEqualTo(EmbeddedBroker.MESSAGE_MAX_BYTES);
        assertThat(properties.get("advertised.listeners")).isEqualTo("INTERNAL://kafka:9092,EXTERNAL://127.0.0.1:9094");
    }

    private static List<String> command(String service) {
        List<String> words = new ArrayList<>();
        services().get(service).path("command").forEach(word -> words.add(word.asText()));
        return words;
    }

    private static Map<String, JsonNode> services() {
        Map<String, JsonNode> services = new LinkedHashMap<>();
        compose.path("services").properties().forEach(entry -> services.put(entry.getKey(), entry.getValue()));
        return services;
    }
}
