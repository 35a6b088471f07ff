using System.Globalization;
using VAI;
using VAI.TestPeer;
using VAI.TestPeer.Verbs;

// "The other process" of the tests. Each verb has a file in Verbs/ and says there what it prints.
// A verb that holds something prints a line when it has it and lets go when its standard input ends.
// Exit codes: 0 done; 1 unknown verb; 2 an error of VAI's own, its code on standard error; 3 what the verb checks is not so.
try
{
    return args switch
    {
        ["registry-hold", var directory] => RegistryHold.Run(directory),
        ["registry-kills", var directory, var kills, var seed] => RegistryKills.Run(directory, Number(kills), Number(seed)),
        ["registry-create-kills", var directory, var kills, var seed] => RegistryCreateKills.Run(directory, Number(kills), Number(seed)),
        ["lease", var directory, var digest, var tokens, .. var devices] => LeaseHold.Run(directory, Convert.FromHexString(digest), Number(tokens), devices),
        ["rom-burn", var file, var directory, var name] => RomBurn.Run(file, directory, name),
        ["rom-burn-into", var file, var directory, var size, var profile] =>
            RomBurnInto.Run(file, directory, size, Enum.Parse<RomProfile>(profile)),
        ["rom-burn-refused", var file, var directory, var name] => RomBurnRefused.Run(file, directory, name),
        ["rom-attach", var directory, var name] => RomAttach.Run(directory, name, null),
        ["rom-attach", var directory, var name, var user] => RomAttach.Run(directory, name, Number(user)),
        ["rom-write", var directory, var name] => RomWrite.Run(directory, name),
        ["rom-stranger", var directory, var image, var user] => RomStranger.Run(directory, image, Number(user)),
        ["socket-ask", var socket, var target, var body] => SocketAsk.Run(socket, target, body),
        ["stream-kills", var socket, var request] => StreamKills.Run(socket, request),
        ["rom-churn", var directory, var name, var own, var shared, var seed] => RomChurn.Run(directory, name, own, shared, Number(seed)),
        ["rom-burn-slowly", var file, var directory, var name] => RomBurnSlowly.Run(file, directory, name),
        ["rom-hostile", var directory, var image] => RomHostile.Run(directory, image),
        ["tokenize", var file, var unit, var times, var how] => Tokenize.Run(file, unit, Number(times), whole: how == "whole"),
        ["load-ready", var directory, var cells, .. var files] => LoadReady.Run(directory, Number(cells), files),
        ["turns", var file] => TurnTaking.Run(file),
        ["one-answer", var directory, var file] => await OneAnswer.RunAsync(directory, file),
        ["rom-locate"] => RomLocate.Run(null),
        ["rom-locate", var option] => RomLocate.Run(option),
        _ => ExitCodes.UnknownVerb,
    };
}
catch (VaiException e)
{
    Console.Error.WriteLine($"{e.Code}: {e.Message}");
    return ExitCodes.VaiError;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
