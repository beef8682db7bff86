// Runs MaquetteLive as Unity would: switched on, updated again and again, switched off.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Reflection;
using System.Threading;
using Maquette;
using UnityEngine;

public static class LiveProgram
{
    const BindingFlags Any = (BindingFlags)36;

    // live udp|tcp PORT FIGURE.txt: prints "port N", then a block of rows for each new pose, until standard input says
    // "stop" or ends; then what the receiver counted. "hold" stops updating, "go" goes on, "people" says who is there.
    public static void Run(string[] arguments)
    {
        Thread.CurrentThread.CurrentCulture = new CultureInfo("de-DE");
        string[] lines = File.ReadAllLines(arguments[3]);
        Animator animator = MadeFigure.Stand(lines);
        var live = animator.gameObject.AddComponent<MaquetteLive>();
        live.transport = arguments[1] == "tcp" ? MaquetteLive.Transport.Tcp : MaquetteLive.Transport.Udp;
        live.port = int.Parse(arguments[2]);
        live.followers = new[] { new GameObject("l_wrist").transform };
        Call(live, "OnEnable");
        var orders = new Queue<string>();
        var listener = new Thread(() => Listen(orders)) { IsBackground = true };
        listener.Start();
        bool held = false, stop = false;
        string state = "";
        while (!stop)
        {
            lock (orders)
                while (orders.Count > 0)
                {
                    string order = orders.Dequeue();
                    held = order == "hold" || (held && order != "go");
                    stop |= order == "stop";
                    if (order == "people") SayPeople(live);
                    if (order == "hold") Say("held");
                }
            if (!held)
            {
                Call(live, "Update");
                foreach (MaquettePerson person in live.Receiver.People) if (person.IsNew) SayPose(person.Pose, live, animator, lines);
            }
            if (live.Receiver.State != state) Say("state " + (state = live.Receiver.State));
            Thread.Sleep(1);
        }
        MaquetteReceiver receiver = live.Receiver;
        Say("counted " + receiver.Received + " " + receiver.Malformed + " " + receiver.Late + " " + receiver.Overwritten);
        Say("malformed " + receiver.FirstMalformed);
        var watch = Stopwatch.StartNew();
        Call(live, "OnDisable");
        Say("off " + watch.ElapsedMilliseconds);
    }

    static void Listen(Queue<string> orders)
    {
        string order;
        while ((order = Console.In.ReadLine()) != null) lock (orders) orders.Enqueue(order);
        lock (orders) orders.Enqueue("stop");
    }

    static void Call(MaquetteLive live, string method) { typeof(MaquetteLive).GetMethod(method, Any).Invoke(live, null); }

    static void SayPeople(MaquetteLive live)
    {
        string numbers = "";
        foreach (MaquettePerson person in live.Receiver.People) numbers += " " + person.Number;
        Say("people" + numbers);
    }

    static void SayPose(MaquetteMessage pose, MaquetteLive live, Animator animator, string[] lines)
    {
        Say("pose " + pose.Person + " " + pose.Frame + " " + pose.TimeS.ToString("R", CultureInfo.InvariantCulture));
        foreach (var joint in pose.Joints) Say("joint " + joint.Key + Numbers(joint.Value.X, joint.Value.Y, joint.Value.Z));
        foreach (var bone in pose.Bones)
            Say("bone " + bone.Key + Numbers(bone.Value.X, bone.Value.Y, bone.Value.Z, bone.Value.W));
        foreach (var contact in pose.Contacts) Say("contact " + contact.Key + " " + contact.Value);
        List<Vector3> places = MadeFigure.Places(animator, lines);
        for (int i = 0; i < lines.Length; i++) Say("part " + lines[i].Split(' ')[0] + Numbers(places[i].x, places[i].y, places[i].z));
        Transform top = live.transform;
        Vector3 follower = Quaternion.Inverse(top.rotation) * (live.followers[0].position - top.position);
        Say("follower l_wrist" + Numbers(follower.x, follower.y, follower.z));
        int dots = 0;
        foreach (Transform child in top.children) if (child.name.StartsWith("Maquette person")) dots += child.children.Count;
        Say("end " + dots);
    }

    static string Numbers(params float[] numbers)
    {
        return " " + string.Join(" ", Array.ConvertAll(numbers, n => n.ToString("R", CultureInfo.InvariantCulture)));
    }

    static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }

    // Reads the same line many times, in place, and says how often the collector of garbage had to run.
    public static void CountGarbage(byte[] text)
    {
        var line = new MaquetteLine();
        var message = new MaquetteMessage();
        for (int i = 0; i < 100; i++) { line.Begin(text, 0, text.Length); message.Read(line); }
        int before = GC.CollectionCount(0);
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < 20000; i++) { line.Begin(text, 0, text.Length); message.Read(line); }
        Say((GC.CollectionCount(0) - before) + " " + (watch.Elapsed.TotalMilliseconds / 20000).ToString("R", CultureInfo.InvariantCulture));
    }
}
